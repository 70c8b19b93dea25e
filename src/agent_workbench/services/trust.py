"""Programs that a config brings along: only those that stand in its own text are run.

What is included, from the network or from another folder, may change without the person having looked. To trust such a
program is to have its line in one's own config.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import Problem

RUNS_PROGRAMS = "hook-shell"


def without_foreign_programs(plan: Plan, own: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], list[Problem]]:
    """Return the plan's hooks without those whose programs are not in the config's own text, and what was left out.

    `own` is the data of that text. An entry that an include only adds other settings to stays.
    """
    kept, problems = [], []
    mine = {_key(entry): _programs(entry) for entry in _maps(own.get("hooks"))}
    for entry in plan.mount_plan.get("hooks", ()):
        if entry.get("module") == RUNS_PROGRAMS and _programs(entry) != mine.get(_key(entry), {}):
            problems.append(_left_out(plan, _key(entry)))
        else:
            kept.append(entry)
    return kept, problems


def _left_out(plan: Plan, key: str) -> Problem:
    origins = plan.origins.get(f"hooks[{key}].config.hooks") or plan.origins.get(f"hooks[{key}]", ())
    where = ", ".join(dict.fromkeys(str(origin) for origin in origins))
    hint = "to trust these programs, write the entry into this config itself"
    return Problem("warning", f"{key} is left out: an include brings its programs ({where})", hint=hint, code="trust")


def _programs(entry: Mapping[str, Any]) -> Any:
    config = entry.get("config")
    return config.get("hooks") or {} if isinstance(config, Mapping) else {}


def _key(entry: Mapping[str, Any]) -> str:
    return str(entry.get("id") or entry.get("module") or "")


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
