"""How the resolver gets texts: a protocol, so that this package touches neither disk nor network itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agent_workbench.configs.plan import Document, digest_of
from agent_workbench.errors import IncludeFailed

Kind = Literal["bundle", "file"]


@dataclass(frozen=True, slots=True)
class Location:
    """Where a text lives, and so what its references mean.

    `label` is shown to people. `folder` is what relative references start from: a directory, or the part of an
    `https` address up to its last `/`; empty where there is none. `root` is what they must stay inside. `remote`
    says that the text came over the network, so it may not name absolute local paths. `prefix` is what labels of
    files under `root` begin with (a name, a repository); without one they are paths from `root`.
    """

    label: str
    folder: str = ""
    root: str = ""
    commit: str = ""
    remote: bool = False
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A text that was fetched.

    `identity` is the same for two addresses of one thing, so a bundle is loaded once. `path` is the local file, or
    the address where there is none. `watched` names what the answer depended on, for `Fetcher.stamp`.
    """

    text: str
    identity: str
    path: str
    at: Location
    watched: tuple[str, ...] = ()

    @property
    def document(self) -> Document:
        """The text as a plan lists it. A checkout's folder is another for each commit, so an address is its place."""
        place = self.at.label if self.at.remote else self.identity
        return Document(digest_of(self.text), self.at.label, place, self.at.remote, self.text)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a text could not be fetched, as an answer. `hint` is a way out.

    Where a known name is like the one that was asked for, `slip` is the part of the reference that is wrong and `meant`
    what would be right.
    """

    reason: str
    hint: str = ""
    watched: tuple[str, ...] = field(default=())
    slip: str = ""
    meant: str = ""

    def corrected(self, reference: str) -> str:
        """Return a reference with the slip put right, empty where nothing is known to be meant."""
        before, found, behind = reference.rpartition(self.slip) if self.slip and self.meant else ("", "", "")
        return f"{before}{self.meant}{behind}" if found else ""

    def error(self) -> IncludeFailed:
        """Return it as an exception."""
        return IncludeFailed(f"{self.reason} ({self.hint})" if self.hint else self.reason)


class Fetcher(Protocol):
    """Gets texts by reference. All calls are synchronous, may block, and are safe from any thread."""

    def fetch(self, uri: str, at: Location, kind: Kind = "bundle") -> Fetched | Failure:
        """Return the text that a reference means where it is written, or why there is none.

        `uri` is a relative or absolute path, `file://`, `git+…`, `https://`, `config:…`, or a registered or shipped
        name; never `namespace:path`, which the resolver turns into a path. As a `bundle`, a path may leave out
        `.yaml`, `.yml` or `.md` and may be a folder (its `bundle.md`, else `bundle.yaml`); as a `file`, it is exact.
        """
        ...

    def root_of(self, at: Location) -> Fetched | Failure:
        """Return the bundle file at the top of the folder tree around a place: the nearest `bundle.md` or `.yaml`."""
        ...

    def prefetch(self, uris: Sequence[str], at: Location) -> None:
        """Start getting what will be asked for next, where that is slow. Never fails."""
        ...

    def stamp(self, watched: str) -> object:
        """Return a value that changes when what was watched may have changed. Cheap: no more than one `stat`."""
        ...


class Nothing:
    """A fetcher that has nothing: for looking at one text alone."""

    def fetch(self, uri: str, at: Location, kind: Kind = "bundle") -> Fetched | Failure:
        """Say that nothing is looked up."""
        return Failure("includes are not looked at here")

    def root_of(self, at: Location) -> Fetched | Failure:
        """Say that nothing is looked up."""
        return Failure("includes are not looked at here")

    def prefetch(self, uris: Sequence[str], at: Location) -> None:
        """Do nothing."""

    def stamp(self, watched: str) -> object:
        """Return nothing that changes."""
        return None
