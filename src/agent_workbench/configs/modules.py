"""Modules: what an entry of a bundle can name, with a schema for its `config`.

A provider, tool, hook, orchestrator or context manager is one `Module`. Built-in ones and a stranger's register alike,
as entry points in the group `agent_workbench.modules` whose name is the module id.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

ModuleKind = Literal["provider", "tool", "hook", "orchestrator", "context"]

#: The section of a bundle in which modules of a kind are listed.
SECTION: Mapping[ModuleKind, str] = {
    "provider": "providers",
    "tool": "tools",
    "hook": "hooks",
    "orchestrator": "session.orchestrator",
    "context": "session.context",
}


class ModuleConfig(BaseModel):
    """The base of every module's config: unknown keys are kept and reported, field docstrings are the help."""

    model_config = ConfigDict(
        extra="allow", use_attribute_docstrings=True, populate_by_name=True, protected_namespaces=()
    )


@dataclass(frozen=True, slots=True)
class Module:
    """One module.

    `create` is called when a session is prepared, with the validated config and a `MountContext` of the
    engine, and returns what the kind asks for (see `engine/ports.py`); it must not touch the network.
    `tools` lists the tool names that a tool module provides, for completion and permission rules.
    `origin` says who ships it: "built in" or a distribution's name. A module with `noted_only` is accepted
    and does nothing here (`summary` says why).
    """

    id: str
    kind: ModuleKind
    summary: str
    config: type[ModuleConfig] = ModuleConfig
    create: Callable[[Any, Any], Any] | None = None
    tools: tuple[str, ...] = ()
    origin: str = "built in"
    noted_only: bool = False


@dataclass(frozen=True)
class Catalog:
    """The modules that are known, by id, with what could not be loaded and why."""

    modules: Mapping[str, Module] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    def get(self, module_id: str) -> Module | None:
        """Return a module, or None."""
        return self.modules.get(module_id)

    def of_kind(self, kind: ModuleKind) -> Iterator[Module]:
        """Yield the modules of a kind, by id."""
        return (m for _, m in sorted(self.modules.items()) if m.kind == kind)

    def nearest(self, module_id: str, kind: ModuleKind | None = None) -> str:
        """Return the known id most like this one, or an empty string."""
        known = [m.id for m in self.modules.values() if kind is None or m.kind == kind]
        return next(iter(difflib.get_close_matches(module_id, known, n=1, cutoff=0.6)), "")


def catalog(modules: Iterable[Module]) -> Catalog:
    """Make a catalog from modules alone (tests, small programs)."""
    return Catalog({module.id: module for module in modules})
