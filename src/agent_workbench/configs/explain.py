"""What a plan says, in words: where a value comes from, and what differs between two plans.

Secrets are dots in all of it, and environment references stay as they are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agent_workbench.configs.compose import MODULE_SECTIONS
from agent_workbench.configs.edits import unified_diff
from agent_workbench.configs.plan import Origin, Plan
from agent_workbench.configs.secrets import mask, mask_text
from agent_workbench.configs.words import nearest
from agent_workbench.errors import NotFound


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a value comes from. `origins` has the winner last; `replaced` tells whether it replaced those before."""

    path: str
    value: Any
    origins: tuple[Origin, ...]

    @property
    def joined(self) -> bool:
        """Whether all origins contributed (maps and lists), and not only the last."""
        return isinstance(self.value, dict | list)

    def __str__(self) -> str:
        if not self.origins:
            return f"{self.path} is {_shown(self.value)}"
        *before, winner = self.origins
        if self.joined:
            return f"{self.path} is {_shown(self.value)}, joined from {' + '.join(map(str, self.origins))}"
        over = f", over {', '.join(str(origin) for origin in reversed(before))}" if before else ""
        return f"{self.path} is {_shown(self.value)} because {winner}{over}"


def explain(plan: Plan, path: str) -> Explanation:
    """Say where the value at a path comes from. Paths are those of `Plan.origins` (`tools[tool-web].config.timeout`).

    Raises:
        NotFound: If the plan has no such value; the message names the nearest that it has.
    """
    values = {**dict(_values(plan)), **dict(_prose(plan))}
    inside = [one for one in values if one.startswith(f"{path}[")]
    if path not in values and inside:
        raise NotFound(f"`{path}` is a list; name one of its entries, as `{inside[0]}`")
    if path not in values:
        like = nearest(path, values, cutoff=0.5)
        raise NotFound(f"the plan has no value `{path}`" + (f"; did you mean `{like}`?" if like else ""))
    return Explanation(path, values[path], plan.origins.get(path, ()))


@dataclass(frozen=True, slots=True)
class PlanChange:
    """One difference between two plans. `origin` is where the new value was set, or the old one where it is gone."""

    kind: Literal["added", "removed", "changed"]
    path: str
    old: Any = None
    new: Any = None
    origin: Origin | None = None

    def __str__(self) -> str:
        where = f"   {self.origin}" if self.origin is not None else ""
        if self.kind == "added":
            return f"+ {self.path}: {_shown(self.new)}{where}"
        if self.kind == "removed":
            return f"- {self.path}: {_shown(self.old)}{where}"
        return f"~ {self.path}: {_shown(self.old)} → {_shown(self.new)}{where}"


def diff_plans(old: Plan, new: Plan) -> tuple[PlanChange, ...]:
    """Return what changes for a session between two plans, in the order of the newer one; empty where nothing does.

    A whole entry, agent or map that is new or gone is one change. Order within `tools`, `providers` and `hooks`
    counts as a change of its section. Comments, and where a value is written, do not.
    """
    return (*_changes(old, new), *_text_changes(old, new))


def _changes(old: Plan, new: Plan) -> Iterator[PlanChange]:
    before, after = dict(_values(old)), dict(_values(new))
    told: set[str] = set()
    for path, value in after.items():
        if _inside(path, told):
            continue
        if path not in before:
            told.add(path)
            yield PlanChange("added", path, None, value, _last(new, path))
        elif (_is_leaf(value) or type(value) is not type(before[path])) and not _same(before[path], value):
            told.add(path)
            yield PlanChange("changed", path, before[path], value, _last(new, path))
    for path, value in before.items():
        if path not in after and not _inside(path, told):
            told.add(path)
            yield PlanChange("removed", path, value, None, _last(old, path))
    for section in MODULE_SECTIONS:
        orders = [[_key(entry) for entry in plan.mount_plan.get(section, ())] for plan in (old, new)]
        if orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1]):
            yield PlanChange("changed", section, orders[0], orders[1])


def _text_changes(old: Plan, new: Plan) -> Iterator[PlanChange]:
    """Compare what is prose: the instruction, and the files of the prompt."""
    if old.instruction != new.instruction:
        lines = unified_diff(old.instruction, new.instruction, context=0).splitlines()[2:]
        added = sum(line.startswith("+") for line in lines)
        removed = sum(line.startswith("-") for line in lines)
        origin = new.origins.get("instruction", (None,))[-1]
        yield PlanChange("changed", "instruction", f"{removed} lines", f"{added} lines", origin)
    before, after = dict(old.context_texts), dict(new.context_texts)
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            kind: Literal["added", "removed", "changed"] = (
                "added" if name not in before else "removed" if name not in after else "changed"
            )
            one, other = (f"{len(texts[name])} characters" if name in texts else None for texts in (before, after))
            yield PlanChange(kind, f"context[{name}]", one, other)


def _values(plan: Plan) -> Iterator[tuple[str, Any]]:
    """Yield every value of the mount plan under the path that `Plan.origins` uses, containers before contents."""
    masked = mask(plan.mount_plan)
    for section, value in masked.items():
        if section not in MODULE_SECTIONS:
            yield from _below(section, value)
            continue
        seen: set[str] = set()
        for index, entry in enumerate(value):
            path = f"{section}[{_key(entry)}]"
            path = f"{section}[{index}]" if path in seen else path
            seen.add(path)
            yield from _below(path, entry)


def _prose(plan: Plan) -> Iterator[tuple[str, Any]]:
    """Yield what is outside of the mount plan: the instruction, and the files of the prompt."""
    if plan.instruction:
        yield "instruction", mask_text(plan.instruction)
    yield from ((f"context[{name}]", file) for name, file in plan.context.items())


def _below(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _below(f"{path}.{key}", item)
    elif isinstance(value, list) and not _is_leaf(value):
        for index, item in enumerate(value):
            yield from _below(f"{path}[{index}]", item)
    elif isinstance(value, list):
        yield from ((f"{path}[{index}]", item) for index, item in enumerate(value))


def _key(entry: Any) -> str:
    return str(entry.get("id") or entry.get("module")) if isinstance(entry, Mapping) else str(entry)


def _is_leaf(value: Any) -> bool:
    """Whether a value is told whole: a scalar, or a list of scalars."""
    if isinstance(value, list):
        return not any(isinstance(item, dict | list) for item in value)
    return not isinstance(value, Mapping)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _inside(path: str, told: set[str]) -> bool:
    return any(path.startswith((f"{known}.", f"{known}[")) for known in told)


def _last(plan: Plan, path: str) -> Origin | None:
    origins = plan.origins.get(path, ())
    return origins[-1] if origins else None


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}: {_shown(item)}" for key, item in value.items())
        return _short(f"{{{inner}}}")
    if isinstance(value, list):
        return _short(f"[{', '.join(_shown(item) for item in value)}]")
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return _short(mask_text(str(value)).replace("\n", " "))


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}…"
