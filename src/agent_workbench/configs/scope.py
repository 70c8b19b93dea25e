"""Names in a bundle and what they stand for: namespaces, registered bundles, paths.

A namespace is looked up in the bundle that writes it (its own name, the bundle at the top of its folder tree, its
includes in their written order), then the config's own, then what is registered or shipped. So the outcome
depends on what is written and never on what was loaded or cached before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent_workbench.configs.bundle import parse_bundle
from agent_workbench.configs.fetching import Failure, Fetched, Fetcher, Kind, Location
from agent_workbench.configs.mentions import split_namespace
from agent_workbench.configs.words import nearest

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean in one bundle. `root` is the top of its folder tree, where it has one."""

    at: Location
    root: Fetched | None = None
    root_name: str = ""
    namespaces: Mapping[str, Location] = field(default_factory=dict)

    def with_includes(self, others: Mapping[str, Location]) -> Scope:
        """Return a scope that also knows what includes know; what is known already stays."""
        return replace(self, namespaces={**others, **self.namespaces})


class Lookup:
    """Fetches by any reference, and keeps what the answers depended on. One for each resolving."""

    def __init__(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self.watched: dict[str, None] = {}
        self.content: dict[str, None] = {}
        self.top: Mapping[str, Location] = {}
        self._known: dict[tuple[str, Location, Kind], Fetched | Failure] = {}
        self._roots: dict[tuple[str, str], Fetched | None] = {}

    def fetch(self, uri: str, at: Location, kind: Kind = "bundle") -> Fetched | Failure:
        """Fetch by URI, once."""
        key = (uri, at, kind)
        if key not in self._known:
            found = self.fetcher.fetch(uri, at, kind)
            self._known[key] = found
            self.watched.update(dict.fromkeys(found.watched))
            if isinstance(found, Fetched):
                self.content[f"{found.identity}\n{found.at.label}\n{found.at.commit}\n{found.text}"] = None
            else:
                self.content[f"{uri}\n{at.label}\n{kind}\n{found.reason}"] = None
        return self._known[key]

    def bundle(self, uri: str, scope: Scope) -> Fetched | Failure:
        """Fetch an include as it is written in a scope."""
        if "${" in uri:
            return Failure("references are filled in when a session starts, which is too late for an include")
        namespace, path = split_namespace(uri)
        if namespace:
            return self.within(namespace, path, scope, "bundle")
        if scope.root and uri == scope.root_name:
            return scope.root
        return self.fetch(uri, scope.at)

    def within(self, namespace: str, path: str, scope: Scope, kind: Kind) -> Fetched | Failure:
        """Fetch `namespace:path`."""
        at = self.namespace(namespace, scope)
        if isinstance(at, Failure):
            return at
        found = self.fetch(f"./{path.lstrip('/')}", at, kind)
        if isinstance(found, Failure) and namespace not in found.reason:
            return replace(found, reason=f"{found.reason} in `{namespace}`")
        return found

    def namespace(self, name: str, scope: Scope) -> Location | Failure:
        """Return where a namespace points to."""
        for known in (scope.namespaces, self.top):
            if name in known:
                return known[name]
        if not _NAME.match(name):
            return Failure(f"no namespace can be called `{name}`")
        found = self.fetch(name, scope.at)
        if isinstance(found, Fetched):
            return replace(found.at, root=found.at.root or found.at.folder)
        like = nearest(name, {**scope.namespaces, **self.top})
        hint = f"did you mean `{like}:`?" if like else found.hint or "include the bundle of that name"
        return Failure(f"no namespace `{name}`", hint, found.watched, name, like or found.meant)

    def scope(self, name: str, at: Location, text: str) -> Scope:
        """Return the scope of a bundle's text: its own name and that of the bundle at the top of its folder tree."""
        root = self._root(at)
        if root is None or root.text == text:
            return Scope(at, namespaces={name: at} if name else {})
        root_name = parse_bundle(root.text, root.at).layer.name
        names = {word: root.at for word in (name, root_name) if word}
        wider = f"{at.root}/".startswith(f"{root.at.folder.rstrip('/')}/")
        return Scope(replace(at, root=root.at.folder) if wider else at, root, root_name, names)

    def _root(self, at: Location) -> Fetched | None:
        key = (at.folder, at.root)
        if key not in self._roots:
            found = self.fetcher.root_of(at)
            self.watched.update(dict.fromkeys(found.watched))
            self._roots[key] = found if isinstance(found, Fetched) else None
        return self._roots[key]
