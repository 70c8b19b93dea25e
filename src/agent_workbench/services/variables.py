"""Which `${VAR}` a config refers to, and whether each is set; never a value."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent_workbench.configs.environment import REFERENCE, references
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.reader import read, show_path
from agent_workbench.services.configs import ConfigManager
from agent_workbench.services.keys import Source, environment, source_of


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a config, includes and all.

    `status` is `set`, `default` (not set, and every place that names it has a default) or `unset`. `source` says where
    a set one comes from. `paths` are the values of the mount plan that name it.
    """

    name: str
    status: str
    source: Source | None
    paths: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line prints."""
        return {"name": self.name, "status": self.status, "source": self.source, "paths": list(self.paths)}


def variables(plan: Plan) -> tuple[Variable, ...]:
    """Return the variables of a plan in the order in which they appear."""
    known, env = dict[str, list[str]](), environment()
    status: dict[str, str] = {}
    for reference in references(_named(plan.mount_plan)):
        path = show_path(reference.path)
        known.setdefault(reference.name, [])
        if path not in known[reference.name]:
            known[reference.name].append(path)
        now = reference.status(env)
        status[reference.name] = "unset" if "unset" in (now, status.get(reference.name)) else now
    return tuple(Variable(name, status[name], source_of(name), tuple(paths)) for name, paths in known.items())


def _named(mount_plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mount plan whose lists of modules are maps by id, so that paths read as those of origins."""
    named: dict[str, Any] = {}
    for section, value in mount_plan.items():
        if isinstance(value, list):
            for entry in value:
                key = str(entry.get("id") or entry.get("module")) if isinstance(entry, Mapping) else str(entry)
                named[f"{section}[{key}]"] = entry
        else:
            named[section] = value
    return named


def unset_in(text: str) -> tuple[str, ...]:
    """Return the variables without a default that a text itself refers to and nobody has set; includes are not read."""
    env = environment()
    if all(match[1] in env or match[2] is not None for match in REFERENCE.finditer(text)):
        return ()  # most texts: only the others need to be read, as a name may stand in a comment
    found = references(read(text).data)
    return tuple(dict.fromkeys(one.name for one in found if one.status(env) == "unset"))


async def unset_of(configs: ConfigManager, config_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return what `unset_in` finds in each config whose text names a variable that somebody has to set."""
    found = [await configs.get_config(one) for one in config_ids]
    return await asyncio.to_thread(
        lambda: {one.config_id: unset_in(one.yaml_content) for one in found if one and _refers(one.yaml_content)}
    )


def _refers(text: str) -> bool:
    """Whether a text itself names a variable that somebody has to set; a comment counts."""
    return any(match[2] is None for match in REFERENCE.finditer(text))
