"""The texts behind a plan, so that a person can look at the line that set a value, and at what a text names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent_workbench.configs.fetching import Failure, Fetched, Fetcher, Kind, Location
from agent_workbench.configs.mentions import split_namespace
from agent_workbench.configs.plan import Origin
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.configs.targets import Target
from agent_workbench.services.bundles import Bundles


class _Noted:
    """Passes everything on to a fetcher; keeps each text under the label that origins name, and each answer."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.texts: dict[str, Fetched] = {}
        self.answers: dict[tuple[str, str], Fetched | Failure] = {}

    def fetch(self, uri: str, at: Location, kind: Kind = "bundle") -> Fetched | Failure:
        found = self._keep(self._fetcher.fetch(uri, at, kind))
        self.answers.setdefault((uri, at.label), found)
        return found

    def root_of(self, at: Location) -> Fetched | Failure:
        return self._keep(self._fetcher.root_of(at))

    def prefetch(self, uris: Sequence[str], at: Location) -> None:
        self._fetcher.prefetch(uris, at)

    def stamp(self, watched: str) -> object:
        return self._fetcher.stamp(watched)

    def answer(self, reference: str, label: str) -> Fetched | Failure | None:
        """Return what was found for a reference as the text called `label` writes it, None where none was asked for."""
        namespace, path = split_namespace(reference)
        bare = path if path.startswith(("/", "./", "../", "~")) else f"./{path.lstrip('/')}"
        asked = (bare,) if namespace else (reference, bare)
        found = [one for (uri, at), one in self.answers.items() if uri in asked and (namespace or at == label)]
        found += [one for (uri, _), one in self.answers.items() if uri in asked]
        return next((one for one in found if isinstance(one, Fetched)), found[0] if found else None)

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


def named_by(
    bundles: Bundles, text: str, target: Target, *, name: str, base: Path | None = None, root: Path | None = None
) -> Fetched | Failure | Origin | None:
    """Return what a text names: the include's or file's text, or for an agent without a file where it is written.

    A failure says why there is none; None means that the plan of the text does not ask for it. Resolves anew, past the
    cache of plans, and fetches nothing from the network. May block.
    """
    noted = _Noted(bundles.sources.without_network())
    plan = resolve_bundle(text, name=name, base=base, root=root, fetcher=noted, cache=None)
    if target.kind != "agent":
        return noted.answer(target.name, name)
    namespace, agent = split_namespace(target.name)
    path = f"agents/{agent}.md"
    found = noted.answer(f"{namespace}:{path}" if namespace else path, name)
    if isinstance(found, Fetched):
        return found
    spec, written = plan.agents.get(target.name), plan.origins.get(f"agents.{target.name}", ())
    inline = spec is not None and (spec.description or spec.instruction or spec.data)
    return written[-1] if inline and written else found
