"""The plan: what a session is made from after all includes, each value with the place that set it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from agent_workbench.configs.plan import Origin, Plan
from agent_workbench.configs.secrets import mask
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList

#: How many origins are written out; the one that won stands first.
ORIGINS = 3


def plan_rows(plan: Plan) -> Iterator[Row]:
    """Yield the plan as rows, their ids the paths of `Plan.origins`. Secrets are dots, `${…}` stays."""
    shown = mask(dict(plan.mount_plan))
    for section, value in shown.items():
        if section == "agents":
            continue
        yield Row(section, [(section, "heading")], _origins(plan, section) if isinstance(value, Mapping) else ())
        yield from _values(plan, section, value, 1)
    if plan.agents:
        yield Row("agents", [("agents", "heading")])
        for name, agent in plan.agents.items():
            words = clean_line(agent.description, 60)
            yield Row(f"agents.{name}", [(f"  {clean_line(name)}  ", "strong"), (words, "muted")],
                      _origins(plan, f"agents.{name}"))  # fmt: skip
    if plan.instruction:
        yield Row("instruction", [("instruction", "heading")], [(f"{len(plan.instruction)} characters", "muted")])
    for name, _ in plan.context_texts:
        yield Row(f"context.{name}", [("context ", "heading"), (clean_line(name), "")])


def _values(plan: Plan, path: str, value: Any, depth: int) -> Iterator[Row]:
    indent = "  " * depth
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entry(plan, f"{path}.{key}", str(key), inner, depth)
    elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        for one in value:
            id = str(one.get("id") or one.get("module") or "")
            at = f"{path}[{id}]"
            yield Row(at, [(f"{indent}{clean_line(id)}", "strong")], _origins(plan, at))
            rest = {key: inner for key, inner in one.items() if key not in ("module", "id")}
            for key, inner in rest.items():
                if key == "config" and isinstance(inner, Mapping):
                    yield from _values(plan, f"{at}.config", inner, depth + 1)
                else:
                    yield from _entry(plan, f"{at}.{key}", key, inner, depth + 1)


def _entry(plan: Plan, path: str, key: str, value: Any, depth: int) -> Iterator[Row]:
    indent = "  " * depth
    nested = (isinstance(value, Mapping) and bool(value)) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
    )
    if nested:
        yield Row(path, [(f"{indent}{clean_line(key)}", "key")], _origins(plan, path))
        yield from _values(plan, path, value, depth + 1)
    else:
        left = [(f"{indent}{clean_line(key):<20} ", "key"), (clean_line(_short(value), 200), "")]
        yield Row(path, left, _origins(plan, path), right_yields=True)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _origins(plan: Plan, path: str) -> list[tuple[str, str]]:
    """Return the place that won, then those it won over."""
    found = list(reversed(plan.origins.get(path, ())))
    if not found:
        return []
    runs = [(clean_line(str(found[0]), 40), "")]
    for one in found[1:ORIGINS]:
        runs.append((f"  over {clean_line(str(one), 40)}", "muted"))
    if len(found) > ORIGINS:
        runs.append((f"  and {len(found) - ORIGINS} more", "muted"))
    return runs


class PlanView(Vertical):
    """Everything of the Plan tab."""

    DEFAULT_CSS = """
    PlanView > RowList { height: 1fr; }
    """

    @dataclass
    class Jump(Message):
        """Show the place that set a value."""

        view: PlanView
        origin: Origin

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plan: Plan | None = None

    def compose(self) -> ComposeResult:
        yield RowList(empty="Nothing to mount yet.\nadd a provider: ctrl+p, add provider")

    def show(self, plan: Plan) -> None:
        """Show a plan; the cursor stays at its value."""
        self._plan = plan
        self.query_one(RowList).put(list(plan_rows(plan)))

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        origins: Sequence[Origin] = self._plan.origins.get(event.row.id, ()) if self._plan else ()
        if origins:
            self.post_message(self.Jump(self, origins[-1]))
