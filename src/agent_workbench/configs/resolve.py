"""From a text to its plan: includes, composition, agents, context.

Synchronous and repeatable: the outcome depends on the text, on what the fetcher returns, and on nothing that was
resolved before. Whatever is missing is a problem in a plan that shows all the rest.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from threading import Lock
from typing import Any

from agent_workbench.configs.bundle import Bundle, Include, parse_bundle, problem_at
from agent_workbench.configs.checks import EnvironmentUse, check, environment_problems
from agent_workbench.configs.compose import (
    MODULE_SECTIONS,
    Layer,
    Node,
    compose,
    compose_all,
    flatten,
    plain,
    traps,
)
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.fetching import Failure, Fetched, Fetcher, Location, Nothing
from agent_workbench.configs.fixes import id_fix, module_fix, word_fix
from agent_workbench.configs.mentions import split_namespace
from agent_workbench.configs.modules import Catalog
from agent_workbench.configs.plan import AgentSpec, Document, Origin, Plan, digest_of
from agent_workbench.configs.problems import Problem, worst_first
from agent_workbench.configs.reader import Path
from agent_workbench.configs.references import Gathered, References
from agent_workbench.configs.scope import Lookup, Scope
from agent_workbench.configs.secrets import mask_text

MAX_BUNDLES = 500
MAX_CHAIN = 50
_TRAP_FIXES = {"trap-slot-name": module_fix, "trap-twins": id_fix}
#: The identity of the text itself, which may be a file, a stored config, or neither yet.
_OWN = "own"


@dataclass(frozen=True)
class _Loaded:
    """A bundle with its includes under it, and the namespaces that it brings to who includes it."""

    layer: Layer
    namespaces: Mapping[str, Location]


@dataclass(frozen=True)
class _Prepared:
    """A plan as it can be kept: without what depends on the environment."""

    plan: Plan
    uses: tuple[EnvironmentUse, ...]
    stamps: tuple[tuple[str, object], ...]


class PlanCache:
    """Remembers plans while nothing that they were made from changes. Holds the latest `size`. Safe between threads."""

    def __init__(self, size: int = 16) -> None:
        self.size = size
        self._lock = Lock()
        self._kept: dict[tuple[Any, ...], tuple[_Prepared, tuple[object, ...]]] = {}

    def get(self, key: tuple[Any, ...], fetcher: Fetcher) -> _Prepared | None:
        """Return what is kept under a key if every stamp is what it was."""
        found = self._kept.get(key)
        if found is None:
            return None
        prepared = found[0]
        return prepared if all(fetcher.stamp(what) == stamp for what, stamp in prepared.stamps) else None

    def put(self, key: tuple[Any, ...], prepared: _Prepared, *alive: object) -> None:
        """Keep a plan. `alive` is held too, so that the identities in the key stay theirs."""
        with self._lock:
            self._kept.pop(key, None)
            while len(self._kept) >= self.size:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = (prepared, alive)


_CACHE = PlanCache()


def resolve_bundle(
    text: str,
    *,
    name: str = "config",
    base: FilePath | None = None,
    root: FilePath | None = None,
    fetcher: Fetcher | None = None,
    catalog: Catalog | None = None,
    env: Mapping[str, str] | None = None,
    cache: PlanCache | None = _CACHE,
) -> Plan:
    """Resolve a bundle's text into its plan.

    `name` is what the text is called in origins (a config's name, or a file's name with its suffix, which then
    decides whether it is markdown). `base` is the folder that its relative references start from: the workspace of a
    stored config, the folder of a file. They must not leave `root`, which is `base` unless given. Without a `fetcher`
    nothing is looked up: the plan shows the text alone, and no include is reported missing. Without a `catalog`
    modules are not checked. `env` tells which `${VAR}` are set; None takes the process's own. Values are never
    expanded.

    Never raises for bad content: problems are in the plan, worst first, and `Plan.errors` is what stops a session
    from starting. May block while the fetcher does.
    """
    fetcher = fetcher or Nothing()
    key = (text, name, str(base or ""), str(root or ""), id(fetcher), id(catalog))
    prepared = cache.get(key, fetcher) if cache is not None else None
    if prepared is None:
        prepared = _Resolver(fetcher, name, base, root).run(text, catalog)
        if cache is not None:
            cache.put(key, prepared, fetcher, catalog)
    unset = environment_problems(prepared.uses, os.environ if env is None else env)
    plan = prepared.plan
    return replace(plan, problems=worst_first((*plan.problems, *unset))) if unset else plan


class _Resolver:
    def __init__(self, fetcher: Fetcher, name: str, base: FilePath | None, root: FilePath | None) -> None:
        folder = "" if base is None else os.path.abspath(base)
        self.at = Location(name, folder, folder if root is None else os.path.abspath(root))
        self.lookup = Lookup(fetcher)
        self.alone = isinstance(fetcher, Nothing)
        self.problems: list[Problem] = []
        self.includes: dict[str, None] = {}
        self.documents: dict[Document, None] = {}
        self.complete = True
        self._own_text = ""
        self._stopped = False
        self._loaded: dict[str, _Loaded] = {}
        self._chain: list[tuple[str, str]] = []

    def run(self, text: str, catalog: Catalog | None) -> _Prepared:
        bundle = parse_bundle(text, self.at, own=True)
        scope = self.lookup.scope(bundle.layer.name, self.at, text)
        self.lookup.top = scope.namespaces
        self._own_text = text
        self.documents[Document(digest_of(text), self.at.label, text=text)] = None
        self._chain.append((_OWN, self.at.label))
        loaded = self._load(bundle, scope)
        return self._prepare(text, bundle, scope, loaded, catalog)

    # includes

    def _load(self, bundle: Bundle, scope: Scope) -> _Loaded:
        """Compose a bundle with its includes."""
        self.problems.extend(bundle.problems)
        if self.alone:
            self.complete = not bundle.includes
            self._warn_of_traps(bundle, None, bundle.layer)
            return _Loaded(_own_layer(bundle.layer, scope), scope.namespaces)
        self.lookup.fetcher.prefetch([include.uri for include in bundle.includes], scope.at)
        found: dict[int, _Loaded] = {}
        scope = self._include_addresses(bundle, scope, found)
        scope = self._include_names(bundle, scope, found)
        own = _own_layer(bundle.layer, scope)
        parents = [found[index].layer for index in sorted(found)]
        below = compose_all(parents) if parents else None
        self._warn_of_traps(bundle, below, own)
        return _Loaded(own if below is None else compose(below, own), scope.namespaces)

    def _warn_of_traps(self, bundle: Bundle, below: Layer | None, own: Layer) -> None:
        for trap in traps(below, own):
            mend = _TRAP_FIXES.get(trap.code)
            fix = mend(bundle.reading, trap.path) if mend else None
            self._say(bundle, trap.path, "warning", trap.message, trap.code, trap.hint, fix)

    def _include_addresses(self, bundle: Bundle, scope: Scope, found: dict[int, _Loaded]) -> Scope:
        """Load the includes that need no namespace; they may bring the ones that others need."""
        for index, include in enumerate(bundle.includes):
            if not split_namespace(include.uri)[0]:
                self._include(bundle, include, index, scope, found)
        return _widened(scope, found)

    def _include_names(self, bundle: Bundle, scope: Scope, found: dict[int, _Loaded]) -> Scope:
        """Load the `namespace:path` includes, as often as one brings the namespace of another."""
        waiting = [(i, n) for i, n in enumerate(bundle.includes) if split_namespace(n.uri)[0]]
        while waiting:
            ready = [
                (index, include)
                for index, include in waiting
                if isinstance(self.lookup.namespace(split_namespace(include.uri)[0], scope), Location)
            ]
            for index, include in ready or waiting:
                self._include(bundle, include, index, scope, found)
            waiting = [one for one in waiting if one not in ready] if ready else []
            scope = _widened(scope, found)
        return scope

    def _include(self, bundle: Bundle, include: Include, index: int, scope: Scope, found: dict[int, _Loaded]) -> None:
        if self._stopped:
            return
        fetched = self.lookup.bundle(include.uri, scope)
        if isinstance(fetched, Failure):
            self._missing(bundle, include, fetched)
            return
        chain = [identity for identity, _ in self._chain]
        identity = _OWN if fetched.text == self._own_text else fetched.identity
        if identity in chain:
            labels = [label for _, label in self._chain[chain.index(identity) :]]
            message = f"includes go in a circle: {' → '.join([*labels, labels[0]])}"
            self._say(bundle, include.path, "error", message, "include-cycle", "remove one of these includes")
            self.complete = False
            return
        if len(self._chain) > MAX_CHAIN or len(self._loaded) >= MAX_BUNDLES:
            message = f"more than {MAX_CHAIN} includes deep or {MAX_BUNDLES} bundles"
            self._say(bundle, include.path, "error", message, "include-too-many", "include less")
            self.complete, self._stopped = False, True
            return
        shown = f"{fetched.at.label}@{fetched.at.commit[:12]}" if fetched.at.commit else fetched.at.label
        self.includes.setdefault(shown)
        found[index] = self._loaded.get(fetched.identity) or self._descend(fetched)

    def _descend(self, fetched: Fetched) -> _Loaded:
        inner = parse_bundle(fetched.text, fetched.at)
        self.documents.setdefault(fetched.document)
        self._chain.append((fetched.identity, fetched.at.label))
        loaded = self._load(inner, self.lookup.scope(inner.layer.name, fetched.at, fetched.text))
        self._chain.pop()
        self._loaded[fetched.identity] = loaded
        return loaded

    def _missing(self, bundle: Bundle, include: Include, failure: Failure) -> None:
        self.complete = False
        by = " → ".join(label for _, label in self._chain)
        hint = failure.hint or (f"included by {by}" if len(self._chain) > 1 else "")
        message = f"`{mask_text(include.uri)}` is not included: {mask_text(failure.reason)}"
        fix = word_fix(bundle.reading, include.path, failure.corrected(include.uri))
        self._say(bundle, include.path, "error", message, "include-missing", hint, fix)

    def _say(
        self, bundle: Bundle, path: Path, severity: Any, message: str, code: str, hint: str, fix: Edit | None = None
    ) -> None:
        source = "" if bundle.at == self.at else bundle.at.label
        found = problem_at(
            bundle.reading, source, path, severity, message, code=code, hint=hint, fix=None if source else fix
        )
        self.problems.append(found)

    # the plan

    def _prepare(self, text: str, bundle: Bundle, scope: Scope, loaded: _Loaded, catalog: Catalog | None) -> _Prepared:
        layer = loaded.layer
        references = References(self.lookup, scope.at, dict(loaded.namespaces), bundle.reading)
        gathered = Gathered()
        agents: dict[str, tuple[AgentSpec, Node]] = {}
        context: dict[str, str] = {}
        if self.alone:
            agents = {name: _inline_agent(name, part.node) for name, part in layer.agents.items()}
        else:
            agents = {spec.name: (spec, node) for spec, node in references.agents(layer)}
            context = references.context(layer, gathered)
            self._mentioned(layer, references, gathered)
        self.problems.extend(references.problems)
        checked, uses = check(
            layer, {name: node for name, (_, node) in agents.items()}, bundle, catalog, complete=self.complete
        )
        tree = _tree(layer, agents)
        plan = Plan(
            name=layer.name or self.at.label,
            version=layer.version,
            description=layer.description,
            mount_plan={name: value for name, node in tree.items() if (value := plain(node))},
            instruction=layer.instruction,
            context=context,
            context_texts=tuple(gathered.texts),
            agents={name: spec for name, (spec, _) in agents.items()},
            origins=_origins(layer, agents),
            problems=worst_first((*self.problems, *checked)),
            includes=tuple(self.includes),
            digest=self._digest(text),
            documents=tuple(dict.fromkeys((*self.documents, *references.documents))),
            tree=tree,
        )
        stamps = tuple((what, self.lookup.fetcher.stamp(what)) for what in self.lookup.watched)
        return _Prepared(plan, uses, stamps)

    def _mentioned(self, layer: Layer, references: References, gathered: Gathered) -> None:
        part = layer.instruction_part
        if part is not None and isinstance(part.scope, Scope):
            references.mentioned(
                layer.instruction, part.scope.with_includes(references.namespaces), part.origin, gathered
            )

    def _digest(self, text: str) -> str:
        """Identify all content: the text, its base, and everything fetched or found missing."""
        mark = hashlib.sha256()
        for piece in (self.at.label, self.at.folder, text, *self.lookup.content):
            mark.update(digest_of(piece).encode())
        return mark.hexdigest()


def _own_layer(layer: Layer, scope: Scope) -> Layer:
    """Return a bundle's own content, with the scope that its references are looked up in."""
    part = layer.instruction_part
    return replace(
        layer,
        agents={name: replace(agent, scope=scope) for name, agent in layer.agents.items()},
        context={name: replace(file, scope=scope) for name, file in layer.context.items()},
        instruction_part=None if part is None else replace(part, scope=scope),
    )


def _widened(scope: Scope, found: Mapping[int, _Loaded]) -> Scope:
    """Return a scope that knows what the includes brought, the first in their written order winning."""
    brought: dict[str, Location] = {}
    for index in sorted(found):
        brought = {**found[index].namespaces, **brought}
    return scope.with_includes(brought)


def _inline_agent(name: str, node: Node | None) -> tuple[AgentSpec, Node]:
    node = node or Node({"name": Node(name)})
    data = plain(node)
    rest = {key: value for key, value in data.items() if key not in ("name", "description", "instruction")}
    return AgentSpec(name, str(data.get("description") or ""), str(data.get("instruction") or ""), rest), node


def _tree(layer: Layer, agents: Mapping[str, tuple[AgentSpec, Node]]) -> dict[str, Node]:
    """Return the sections of the mount plan, the empty ones too."""
    modules = {name: Node([entry.node for entry in layer.modules.get(name, ())]) for name in MODULE_SECTIONS}
    inline = Node({name: node for name, (_, node) in agents.items()})
    return {"session": layer.session or Node({}), **modules, "agents": inline, "spawn": layer.spawn or Node({})}


def _origins(layer: Layer, agents: Mapping[str, tuple[AgentSpec, Node]]) -> dict[str, tuple[Origin, ...]]:
    found: dict[str, tuple[Origin, ...]] = {}
    for name, node in (("session", layer.session), ("spawn", layer.spawn)):
        if node is not None:
            found.update(flatten(node, name))
    for section in MODULE_SECTIONS:
        for index, entry in enumerate(layer.modules.get(section, ())):
            path = f"{section}[{entry.key}]"
            found.update(flatten(entry.node, path if path not in found else f"{section}[{index}]"))
    for name, (_, node) in agents.items():
        found.update(flatten(node, f"agents.{name}"))
    for name, part in layer.context.items():
        found[f"context[{name}]"] = (part.origin,)
    if layer.instruction_part is not None:
        found["instruction"] = (layer.instruction_part.origin,)
    return found
