"""Bundles as services need them: resolution with this installation's sources and modules."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from agent_workbench.configs.modules import Catalog
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import Problem
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.services.keys import environment
from agent_workbench.services.sources import DIRECTORY_FILES, MAX_UP, Sources
from agent_workbench.storage.records import ConfigMetadata

#: The tag of a config that was stored from a file, with the file's absolute path.
FILE_TAG = "file"
#: The tag of a config that came from a file without being tied to it: the folder that its includes start from.
BASE_TAG = "base"


def home_of(config: ConfigMetadata) -> Path | None:
    """Return the folder of the file that a stored config came from, None where it came from none."""
    named = config.tags.get(FILE_TAG)
    if named:
        return Path(named).parent
    base = config.tags.get(BASE_TAG)
    return Path(base) if base else None


def base_of(config: ConfigMetadata, workspace: Path) -> Path:
    """Return the folder that a stored config's relative includes start from: its file's, else the workspace."""
    return home_of(config) or workspace


def root_of(config: ConfigMetadata) -> Path | None:
    """Return the folder that a stored config's includes must not leave: its file's tree; None means its base."""
    home = home_of(config)
    return tree_of(home) if home else None


def tree_of(folder: Path) -> Path:
    """Return the top of the tree that a file's folder is in, which its includes must not leave.

    That is its git repository, else the highest folder above with a bundle in it, else the current folder where that
    is above; at most `MAX_UP` levels, and never the home folder or the root of the disk.
    """
    top, home = folder, Path.home()
    for above in [folder, *folder.parents][: MAX_UP + 1]:
        if above in (home, Path(above.anchor)):
            break
        if above == Path.cwd() or any((above / name).is_file() for name in DIRECTORY_FILES):
            top = above
        if (above / ".git").exists():
            return above
    return top


class Bundles:
    """Resolves and validates texts. Synchronous and safe from any thread; call it off the event loop."""

    def __init__(self, sources: Sources, catalog: Callable[[], Catalog]) -> None:
        self.sources = sources
        self._load_catalog = catalog

    @cached_property
    def catalog(self) -> Catalog:
        """The modules that are known, loaded on first use."""
        return self._load_catalog()

    def plan(
        self, text: str, *, name: str, base: Path | None = None, root: Path | None = None, fetch: bool = True
    ) -> Plan:
        """Resolve a text; what is missing is in `Plan.problems`.

        Includes start from `base` and stay inside `root` (`base` unless given). Without `fetch`, what was never fetched
        is not fetched now: for looking at a text while it is being typed.
        """
        sources = self.sources if fetch else self.sources.without_network()
        return resolve_bundle(
            text, name=name, base=base, root=root, fetcher=sources, catalog=self.catalog, env=environment()
        )

    def validate(
        self, text: str, *, name: str, base: Path | None = None, root: Path | None = None, fetch: bool = True
    ) -> tuple[Problem, ...]:
        """Return the text's own problems and those of what it includes (arguments as `plan`)."""
        return self.plan(text, name=name, base=base, root=root, fetch=fetch).problems
