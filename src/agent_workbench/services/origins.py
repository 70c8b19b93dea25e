"""The texts behind a plan's origins, so that a person can look at the line that set a value, in an include too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent_workbench.configs.fetching import Failure, Fetched, Fetcher, Kind, Location
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.services.bundles import Bundles


class _Noted:
    """Passes everything on to a fetcher and keeps each text under the label that origins name."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.texts: dict[str, Fetched] = {}

    def fetch(self, uri: str, at: Location, kind: Kind = "bundle") -> Fetched | Failure:
        return self._keep(self._fetcher.fetch(uri, at, kind))

    def root_of(self, at: Location) -> Fetched | Failure:
        return self._keep(self._fetcher.root_of(at))

    def prefetch(self, uris: Sequence[str], at: Location) -> None:
        self._fetcher.prefetch(uris, at)

    def stamp(self, watched: str) -> object:
        return self._fetcher.stamp(watched)

    def _keep(self, found: Fetched | Failure) -> Fetched | Failure:
        if isinstance(found, Fetched):
            self.texts.setdefault(found.at.label, found)
        return found


def text_behind(
    bundles: Bundles, text: str, source: str, *, name: str, base: Path | None = None, root: Path | None = None
) -> Fetched | None:
    """Return the text that origins call `source` in the plan of a text, None where it is not among its includes.

    Resolves anew, past the cache of plans, and fetches nothing from the network. May block.
    """
    noted = _Noted(bundles.sources.without_network())
    resolve_bundle(text, name=name, base=base, root=root, fetcher=noted, cache=None)
    return noted.texts.get(source)
