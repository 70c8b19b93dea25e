"""The modules that are installed, found through entry points; a broken one is on record and never a crash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from agent_workbench.configs.modules import Catalog, Module
from agent_workbench.configs.noted import NOTED

GROUP = "agent_workbench.modules"
OWN = "agent-workbench"


@cache
def load_catalog() -> Catalog:
    """Return the catalog of this installation, read once per process.

    Every entry point of the group `agent_workbench.modules` names one `Module`; its own name is the module id. Our
    own win over a stranger's of the same id, so a plugin cannot quietly take the place of `tool-bash`. What cannot be
    loaded is in `Catalog.broken`, by id, with the reason. Modules that only another kind of screen needs are known too.
    """
    found = read_catalog(entry_points(group=GROUP))
    noted = {module.id: module for module in NOTED}
    return replace(found, modules={**noted, **found.modules})


def read_catalog(points: Iterable[EntryPoint]) -> Catalog:
    """Make a catalog from entry points (see `load_catalog`)."""
    modules: dict[str, Module] = {}
    broken: dict[str, str] = {}
    owned = [(_owner(point), point) for point in points]
    for owner, point in sorted(owned, key=lambda one: (one[0] != OWN, one[0], one[1].name)):
        if point.name in modules:
            broken[f"{point.name} ({owner})"] = f"the id is taken by {modules[point.name].origin}"
            continue
        loaded = _load(point, owner)
        if isinstance(loaded, Module):
            modules[point.name] = loaded
        else:
            broken[point.name] = loaded
    return Catalog(modules, broken)


def _owner(point: EntryPoint) -> str:
    """Return the distribution's name; 0.3 ms, because all that is known of it is read."""
    return point.dist.name if point.dist is not None else ""


def _load(point: EntryPoint, owner: str) -> Module | str:
    """Return the module, or why there is none."""
    try:
        found = point.load()
    except Exception as error:  # noqa: BLE001 (a plugin's import can fail in any way, and is not our bug)
        return f"{point.value}: {type(error).__name__}: {error}"
    if not isinstance(found, Module):
        return f"{point.value} is a {type(found).__name__}, not a Module"
    if found.id != point.name:
        return f"{point.value} calls itself {found.id}, but is registered as {point.name}"
    return found if owner in (OWN, "") else replace(found, origin=owner)
