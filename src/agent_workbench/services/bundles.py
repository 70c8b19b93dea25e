"""Bundles as services need them: resolution with this installation's sources and modules."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from agent_workbench.configs.fetching import Fetcher
from agent_workbench.configs.modules import Catalog
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import Problem
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.storage.records import ConfigMetadata


#: The tag of a config that was stored from a file, with the file's absolute path.
FILE_TAG = "file"


def base_of(config: ConfigMetadata, workspace: Path) -> Path:
    """Return the folder that a stored config's relative includes start from: its file's, else the workspace."""
    named = config.tags.get(FILE_TAG)
    return Path(named).parent if named else workspace


class Bundles:
    """Resolves and validates texts. Synchronous and safe from any thread; call it off the event loop."""

    def __init__(self, fetcher: Fetcher, catalog: Callable[[], Catalog]) -> None:
        self._fetcher = fetcher
        self._load_catalog = catalog

    @cached_property
    def catalog(self) -> Catalog:
        """The modules that are known, loaded on first use."""
        return self._load_catalog()

    def plan(self, text: str, *, name: str, base: Path | None = None) -> Plan:
        """Resolve a text; what is missing is in `Plan.problems`."""
        return resolve_bundle(text, name=name, base=base, fetcher=self._fetcher, catalog=self.catalog)

    def validate(self, text: str, *, name: str, base: Path | None = None) -> tuple[Problem, ...]:
        """Return the text's own problems and those of what it includes."""
        return self.plan(text, name=name, base=base).problems
