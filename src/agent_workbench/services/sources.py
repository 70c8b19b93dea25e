"""Where a bundle's includes come from: this disk, what ships with us, git, https, and other stored configs.

One `Sources` serves a whole process. It is synchronous and may block: call it from a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urljoin, urlsplit

from agent_workbench import paths
from agent_workbench.configs.fetching import Failure, Fetched, Kind, Location
from agent_workbench.configs.reader import decode
from agent_workbench.configs.words import nearest
from agent_workbench.engine.permissions.protected import holds_secrets
from agent_workbench.errors import InvalidYAML
from agent_workbench.services.git_source import GitCache, parse_git
from agent_workbench.services.regular import is_within, regular_bytes
from agent_workbench.services.web_source import Page, WebCache
from agent_workbench.storage.records import Config, ConfigMetadata

#: How far up a folder tree the bundle at its top is looked for.
MAX_UP = 8
SUFFIXES = ("", ".yaml", ".yml", ".md")
MOST_BESIDE = 500
"""How many names of a folder are looked through for one that is like a missing one."""
DIRECTORY_FILES = ("bundle.md", "bundle.yaml")
#: Shipped bundles stand in for these when nothing else is asked for; an override of the address overrides the name.
UPSTREAM = {"foundation": "git+https://github.com/microsoft/amplifier-foundation@main"}


class Configs(Protocol):
    """What is asked of the stored configs."""

    def get(self, config_id: str) -> Config | None: ...

    def names(self) -> Sequence[str]: ...

    def find(self, name: str) -> Sequence[ConfigMetadata]: ...


class Sources:
    """Fetches by URI, under source overrides.

    `overrides` map a URI, its beginning, or a name to a local folder or file; the longest match wins. `registered` maps
    names to URIs. `trusted` folders may be reached by includes that leave their base. Contents of files are
    remembered with their stamp, so an unchanged file costs one `stat`.
    """

    def __init__(
        self,
        configs: Configs | None = None,
        *,
        overrides: Mapping[str, str] | None = None,
        registered: Mapping[str, str] | None = None,
        trusted: Iterable[Path] = (),
        cache: Path | None = None,
        shipped: Path | None = None,
        offline: bool = False,
        loopback: bool = False,
    ) -> None:
        cache = cache or paths.cache_dir() / "sources"
        self.overrides = dict(overrides or {})
        self.registered = dict(registered or {})
        self.configs = configs
        self.trusted = tuple(os.path.realpath(Path(folder).expanduser()) for folder in trusted)
        self.shipped = shipped or paths.shipped("sample_configs") / "shipped"
        self.git = GitCache(cache / "git", offline=offline)
        self.web = WebCache(cache / "web", offline=offline, loopback=loopback)
        self._texts: dict[str, tuple[object, str]] = {}
        self._quiet: Sources | None = None

    # the protocol of the resolver

    def fetch(self, uri: str, at: Location, kind: Kind = "bundle") -> Fetched | Failure:
        """Return what a URI means where it is written (see `Fetcher.fetch`)."""
        if not uri.isprintable():
            return Failure("the address holds a character that no address has", "write it again by hand")
        overridden = self._overridden(uri, kind)
        if overridden is not None:
            return overridden
        if uri.startswith("git+"):
            return self._git(uri, at, kind)
        if uri.startswith(("https://", "http://")):
            return self._web(uri)
        if uri.startswith("config:"):
            return self._config(uri.removeprefix("config:"), at)
        if at.folder.startswith(("https://", "http://")):
            return self._beside_page(uri, at)
        if uri.startswith(("./", "../", "/", "~", "file://")):
            return self._path(uri, at, kind)
        if "://" in uri:
            scheme = uri.partition("://")[0]
            return Failure(f"nothing is fetched by {scheme}", "write an address of https://, git+https:// or file://")
        if "/" in uri or uri.endswith((".yaml", ".yml", ".md")):
            return Failure(f"`{uri}` is neither a name nor a path", f"write `./{uri}`")
        return self._named(uri, kind)

    def root_of(self, at: Location) -> Fetched | Failure:
        """Return the nearest bundle file in or above a folder, without leaving its repository or the home folder."""
        if not at.folder or at.folder.startswith(("https://", "http://")):
            return Failure("it is in no folder tree")
        watched: list[str] = []
        for folder in self._upwards(at):
            for name in DIRECTORY_FILES:
                path = os.path.join(folder, name)
                watched.append(path)
                if os.path.isfile(path):
                    # Below a repository's or an override's top, that stays what references may not leave.
                    found = self._read(path, replace(at, root=at.root if at.prefix else folder))
                    return replace(found, watched=(*watched, *found.watched))
        return Failure("there is no bundle file above it", watched=tuple(watched))

    def prefetch(self, uris: Sequence[str], at: Location) -> None:
        """Clone side by side what is not in the cache yet."""
        wanted = [parsed for uri in uris if self._override_of(uri) is None and (parsed := parse_git(uri))]
        missing = {uri.address: uri for uri in wanted if not self.git.is_pinned(uri)}
        if len(missing) < 2 or self.git.offline:
            return
        with ThreadPoolExecutor(min(8, len(missing)), "fetch") as pool:
            list(pool.map(self.git.checkout, missing.values()))

    def stamp(self, watched: str) -> object:
        """Return what changes when a file or stored config may have changed, or a failure may be over."""
        if watched.startswith("config:"):
            found = self._stored(watched.removeprefix("config:"))
            return found if isinstance(found, Failure) else (found.config_id, found.name, found.yaml_content)
        if watched.startswith("retry:"):
            address = watched.removeprefix("retry:")
            return self.git.is_waiting(address) or self.web.is_waiting(address)
        try:
            info = os.stat(watched)
        except OSError:
            return None
        return (info.st_mtime_ns, info.st_size, info.st_ino)

    # for people

    def without_network(self) -> Sources:
        """Return the same sources without fetching anything new, for looking at a text while it is being typed."""
        if self._quiet is None:
            self._quiet = copy(self)
            self._quiet.git = GitCache(self.git.folder, offline=True)
            self._quiet.web = WebCache(self.web.folder, offline=True, loopback=self.web.loopback)
        return self._quiet

    def refresh(self, uris: Iterable[str]) -> dict[str, str]:
        """Resolve git and https addresses again; return what each is now: a commit, `fetched`, or why it failed."""
        outcome: dict[str, str] = {}
        self.git.forget_failures()
        self.web.forget_failures()
        for uri in dict.fromkeys(uris):
            parsed = parse_git(uri)
            if parsed is not None:
                done = self.git.update(parsed)
                outcome[uri] = done.reason if isinstance(done, Failure) else done.commit
            elif uri.startswith(("https://", "http://")):
                page = self.web.update(uri)
                outcome[uri] = page.reason if isinstance(page, Failure) else "fetched"
        return outcome

    def pinned(self, uri: str) -> str:
        """Return what an address stands for now: a commit, `fetched` for a page in the cache, empty where never got."""
        parsed = parse_git(uri)
        if parsed is not None:
            return self.git.commit_of(parsed)
        return "fetched" if self.web.is_kept(uri) else ""

    def is_overridden(self, uri: str) -> bool:
        """Whether a local folder takes the place of an address."""
        return self._override_of(uri) is not None

    def names(self) -> tuple[str, ...]:
        """Return the names that can be included: registered and shipped ones."""
        shipped = [entry.name for entry in self.shipped.iterdir() if entry.is_dir()] if self.shipped.is_dir() else []
        return tuple(sorted({*self.registered, *shipped}))

    # overrides and names

    def _override_of(self, uri: str) -> tuple[str, str] | None:
        """Return (what is overridden, the rest of the URI) for the longest match."""
        for key in sorted(self.overrides, key=len, reverse=True):
            rest = uri[len(key) :]
            if uri.startswith(key) and (not rest or key[-1] in "/:@#" or rest[0] in "/@#:"):
                return key, rest
        return None

    def _overridden(self, uri: str, kind: Kind) -> Fetched | Failure | None:
        found = self._override_of(uri)
        if found is None:
            return None
        key, rest = found
        root = os.path.abspath(Path(self.overrides[key]).expanduser())
        whole = _repository_path(rest, deeper=key.endswith("/"))
        label = uri.partition("#")[0]
        if os.path.isfile(root):
            return self._read(root, Location(label, root=os.path.dirname(root)))
        if key.endswith("/") and whole.partition("/")[0]:
            top, _, whole = whole.partition("/")
            root = os.path.join(root, top)
        return self._inside(root, whole, Location(label, root, root, prefix=label), kind)

    def _named(self, name: str, kind: Kind) -> Fetched | Failure:
        registered = self.registered.get(name)
        if registered is not None:
            home = str(Path.home())
            return self.fetch(registered, Location(name, home, "/"), kind)
        upstream = UPSTREAM.get(name)
        if upstream is not None and self._override_of(upstream) is not None:
            overridden = self._overridden(upstream, kind)
            if isinstance(overridden, Fetched):
                return overridden
        folder = str(self.shipped / name)
        if os.path.isdir(folder):
            return self._inside(folder, "", Location(name, folder, folder, prefix=name), kind)
        like = nearest(name, self.names())
        hint = f"did you mean `{like}`?" if like else f"known names: {', '.join(self.names()) or 'none'}"
        return Failure(f"no bundle is called `{name}`", hint, (folder,), name, like)

    # kinds of addresses

    def _git(self, uri: str, at: Location, kind: Kind) -> Fetched | Failure:
        parsed = parse_git(uri)
        if parsed is None:
            return Failure("that is no git address", "write `git+https://host/repository@ref#subdirectory=path`")
        if at.remote and parsed.url.startswith("file:") and not at.label.startswith(f"git+{parsed.url}"):
            return Failure("a fetched bundle may not name a path of this computer")
        done = self.git.checkout(parsed)
        if isinstance(done, Failure):
            return done
        root = str(done.folder)
        here = Location(parsed.address, root, root, done.commit, remote=True, prefix=parsed.address)
        found = self._inside(root, parsed.subdirectory, here, kind)
        return replace(found, watched=(str(done.pin), *found.watched))

    def _web(self, address: str) -> Fetched | Failure:
        page = self.web.get(address)
        if isinstance(page, Failure):
            return page
        parts = urlsplit(address)
        folder = urljoin(address, ".")
        at = Location(address, folder, f"{parts.scheme}://{parts.netloc}/", remote=True)
        return _page(address, page, at)

    def _beside_page(self, uri: str, at: Location) -> Fetched | Failure:
        address = urljoin(at.folder, uri)
        if not uri.startswith(("./", "../")) or not address.startswith(at.root):
            return Failure(f"`{uri}` is not on the same server", "a fetched bundle may only name what is beside it")
        failure = Failure("there is nothing there")
        for suffix in SUFFIXES if not address.endswith((".yaml", ".yml", ".md")) else ("",):
            found = self._web(address + suffix)
            if isinstance(found, Fetched):
                return found
            failure = found
        return failure

    def _stored(self, reference: str) -> Config | Failure:
        """Return the config of an id, else the only one of a name."""
        if self.configs is None:
            return Failure("stored configs are not looked up here")
        found = self.configs.get(reference)
        if found is not None:
            return found
        named = self.configs.find(reference)
        if len(named) > 1:
            ids = ", ".join(one.config_id for one in named[:5])
            return Failure(f"{len(named)} configs are called `{reference}`", f"use an id: {ids}")
        found = self.configs.get(named[0].config_id) if named else None
        like = "" if found else nearest(reference, self.configs.names())
        hint = f"did you mean `{like}`?" if like else "see `awb config list`"
        return found or Failure(f"no config is called `{reference}`", hint, slip=reference, meant=like)

    def _config(self, reference: str, at: Location) -> Fetched | Failure:
        if at.remote:
            return Failure("a fetched bundle may not name a stored config")
        found = self._stored(reference.strip())
        watched = (f"config:{reference.strip()}",)
        if isinstance(found, Failure):
            return replace(found, watched=watched)
        identity = f"config:{found.config_id}"
        here = Location(f"config:{found.name}", at.folder, at.root)
        return Fetched(found.yaml_content, identity, identity, here, watched)

    # files

    def _path(self, uri: str, at: Location, kind: Kind) -> Fetched | Failure:
        path = unquote(urlsplit(uri).path) if uri.startswith("file://") else uri
        absolute = path.startswith(("/", "~")) or uri.startswith("file://")
        if absolute and at.remote:
            return Failure("a fetched bundle may not name a path of this computer")
        if absolute:
            path = os.path.abspath(os.path.expanduser(path))
            free = kind == "bundle"
            where = Location(at.label, os.path.dirname(path), os.path.dirname(path)) if free else at
            return self._inside(os.path.dirname(path), os.path.basename(path), where, kind)
        if not at.folder:
            return Failure("there is no folder that it could be relative to", "write an absolute path")
        return self._inside(at.folder, path, at, kind)

    def _inside(self, folder: str, path: str, at: Location, kind: Kind) -> Fetched | Failure:
        """Find a file from a folder, staying inside the location's root or a trusted folder."""
        if "\0" in path:
            return Failure("a path cannot hold NUL")
        whole = os.path.normpath(os.path.join(folder, path)) if path else folder
        watched: list[str] = []
        for candidate in _candidates(whole) if kind == "bundle" else (whole,):
            watched.append(candidate)
            if not os.path.isfile(candidate):
                continue
            root = self._allowed_root(candidate, at)
            if root is None:
                reason = f"it leads out of {at.root or at.folder}"
                return Failure(reason, "trust that folder, or move the file inside", tuple(watched))
            if any(
                holds_secrets(Path(_below_root(one, root)).parts) for one in (candidate, os.path.realpath(candidate))
            ):
                hint = "write what the model should know into another file"
                return Failure("it may hold secrets, and what is included is sent", hint, tuple(watched))
            found = self._read(candidate, at if root == at.root else Location(at.label, root=root))
            return replace(found, watched=(*watched, *found.watched))
        like, name = self._named_alike(whole, at), os.path.basename(whole)
        hint = f"did you mean `{like}`?" if like else ""
        return Failure(_why_missing(whole, kind), hint, tuple(watched), name, like)

    def _named_alike(self, path: str, at: Location) -> str:
        """Return the file beside a missing one that is called most like it, where that may be read."""
        folder, name = os.path.split(path)
        if self._allowed_root(folder, at) is None:
            return ""
        try:
            with os.scandir(folder) as found:
                names = [
                    one.name for one in islice(found, MOST_BESIDE) if one.name.endswith(SUFFIXES[1:]) or one.is_dir()
                ]
        except OSError:
            return ""
        stems = [os.path.splitext(one)[0] for one in names]
        return nearest(name, sorted(names if name.endswith(SUFFIXES[1:]) else {*names, *stems}), cutoff=0.7)

    def _allowed_root(self, path: str, at: Location) -> str | None:
        """Return the folder that a file may be read under, None where it may not."""
        real = os.path.realpath(path)
        root = at.root or at.folder
        if is_within(real, os.path.realpath(root)):
            return root
        if at.remote:
            return None
        return next((trusted for trusted in self.trusted if is_within(real, trusted)), None)

    def _read(self, path: str, at: Location) -> Fetched | Failure:
        """Read a file below the root of a location."""
        stamp = self.stamp(path)
        known = self._texts.get(path)
        if known is None or known[0] != stamp or stamp is None:
            try:
                text = decode(regular_bytes(path), source=path)
            except OSError as error:
                return Failure(error.strerror or str(error), watched=(path,))
            except InvalidYAML as error:
                return Failure(f"it is not text: {error.problems[0].message}", "save it as UTF-8", (path,))
            self._texts[path] = known = (stamp, text)
        here = replace(at, label=_label(path, at), folder=os.path.dirname(path))
        return Fetched(known[1], os.path.realpath(path), path, here, (path,))

    def _upwards(self, at: Location) -> Iterable[str]:
        """Yield a folder and those above it that may hold the bundle at the top of the tree."""
        bound = at.remote or bool(at.prefix)
        home = os.path.realpath(Path.home())
        folder = at.folder
        for _ in range(MAX_UP):
            if os.path.realpath(folder) == home or folder == os.path.dirname(folder):
                return
            yield folder
            if (bound and os.path.realpath(folder) == os.path.realpath(at.root)) or os.path.exists(
                os.path.join(folder, ".git")
            ):
                return
            folder = os.path.dirname(folder)


def _label(path: str, at: Location) -> str:
    """Name a file for people: by its namespace or repository, else from its root."""
    real, root = os.path.realpath(path), os.path.realpath(at.root)
    inside = os.path.relpath(real, root) if is_within(real, root) else real
    if not at.prefix:
        return inside
    if inside in DIRECTORY_FILES:
        return at.prefix
    return f"{at.prefix}#subdirectory={inside}" if "://" in at.prefix else f"{at.prefix}:{inside}"


def _below_root(path: str, root: str) -> str:
    """Return a path from its root, whose own name does not matter; the whole path where it is elsewhere."""
    for above in (root, os.path.realpath(root)):
        if is_within(path, above):
            return os.path.relpath(path, above)
    return path


def _candidates(path: str) -> Iterable[str]:
    for suffix in SUFFIXES:
        yield path + suffix
    for name in DIRECTORY_FILES:
        yield os.path.join(path, name)


def _page(address: str, page: Page, at: Location) -> Fetched | Failure:
    watched = (str(page.kept),)
    try:
        text = decode(page.content, source=address)
    except InvalidYAML as error:
        return Failure(f"it is not text: {error.problems[0].message}", watched=watched)
    return Fetched(text, address, address, at, watched)


def _repository_path(rest: str, *, deeper: bool) -> str:
    """Return the path inside an overridden source that the rest of a URI means (`@main#subdirectory=a/b` → `a/b`)."""
    before, _, fragment = rest.partition("#")
    inside = next((p.partition("=")[2] for p in fragment.split("&") if p.startswith("subdirectory=")), "")
    names = before.partition("@")[0].lstrip(":").strip("/")
    names = names.removesuffix(".git") if deeper else names
    return "/".join(part for part in (names, inside.strip("/")) if part)


def _why_missing(path: str, kind: Kind) -> str:
    if os.path.isdir(path):
        return "it is a folder without bundle.md or bundle.yaml" if kind == "bundle" else "it is a folder"
    if os.path.exists(path):
        return "it is not a regular file"
    return f"there is no {os.path.basename(path)} in {os.path.dirname(path)}"
