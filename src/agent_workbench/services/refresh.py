"""Resolving the git and https includes of a config again, the nested ones too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_workbench.configs.fetching import Failure, Fetched, Fetcher, Kind, Location
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.configs.secrets import mask_text
from agent_workbench.services.sources import Sources


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of an address: a commit or `fetched` before and now, or why it failed (`now` is empty then)."""

    uri: str
    before: str
    now: str
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line prints."""
        return {"uri": self.uri, "before": self.before, "now": self.now, "reason": self.reason}

    def __str__(self) -> str:
        if self.reason:
            return f"{self.uri}: {self.reason}" + (f" (stays at {self.before[:12]})" if self.before else "")
        if self.before == self.now:
            return f"{self.uri}: {self.now[:12]}, unchanged"
        return f"{self.uri}: {self.before[:12] or 'new'} → {self.now[:12]}"


def refresh(sources: Sources, text: str, *, name: str, base: Path, root: Path | None = None) -> tuple[Refreshed, ...]:
    """Fetch every address that a text and its includes name. Those that are overridden are left alone. May block long.

    An include that the refreshed ones bring is refreshed as well.
    """
    done: dict[str, Refreshed] = {}
    while True:
        asked = _Asked(sources)
        resolve_bundle(text, name=name, base=base, root=root, fetcher=asked, cache=None)
        new = [uri for uri in asked.uris if uri not in done]
        if not new:
            return tuple(done.values())
        for uri in new:
            before = sources.pinned(uri)
            said = sources.refresh([uri]).get(uri, "")
            now = sources.pinned(uri)
            worked = said in (now, "fetched")
            done[uri] = Refreshed(mask_text(uri), before, now if worked else "", "" if worked else mask_text(said))


@dataclass
class _Asked(Fetcher):
    """Passes everything on to the sources that are at hand, and notes what comes from the network."""

    sources: Sources
    uris: dict[str, None] = field(default_factory=dict)

    def fetch(self, uri: str, at: Location, kind: Kind = "bundle") -> Fetched | Failure:
        """Note an address and return what the cache has for it."""
        if self.sources.is_overridden(uri):
            return self.sources.fetch(uri, at, kind)
        if uri.startswith(("git+", "https://", "http://")):
            self.uris.setdefault(uri)
        found = self.sources.without_network().fetch(uri, at, kind)
        if isinstance(found, Fetched) and found.path.startswith(("https://", "http://")):
            self.uris.setdefault(found.path)
        return found

    def root_of(self, at: Location) -> Fetched | Failure:
        """Return what the sources say."""
        return self.sources.root_of(at)

    def prefetch(self, uris: Sequence[str], at: Location) -> None:
        """Fetch nothing beforehand: everything is fetched anew."""

    def stamp(self, watched: str) -> object:
        """Return what the sources say."""
        return self.sources.stamp(watched)
