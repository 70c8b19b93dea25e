"""The plan: what a session is made from after all includes, each value with the place that set it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.message import Message

from agent_workbench.configs.plan import Origin, Plan
from agent_workbench.configs.problems import Problem, errors
from agent_workbench.configs.secrets import mask
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.lines import width_of
from agent_workbench.frontends.tui.widgets.problems import EDGES, INDENT, problem_rows
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList

#: Cells for the names, whatever they are part of: the values stand in one column.
NAMES = 23
#: Characters of a value that are kept to be shown; enter goes to the place that has it all.
KEPT = 4000
#: How many of the problems that keep a session from starting stand above the plan; the Problems tab has them all.
SHOWN = 3
#: What the ids of their rows begin with; no path of a plan does.
PROBLEM = "problem "


def is_readable(problems: Sequence[Problem]) -> bool:
    """Whether a text of these problems could be read at all, so that its plan says something about it."""
    return not any(one.code.startswith("yaml-") and not one.source for one in errors(problems))


def plan_rows(plan: Plan) -> Iterator[Row]:
    """Yield the plan as rows, their ids the paths of `Plan.origins`. Secrets are dots, `${…}` stays."""
    shown = mask(dict(plan.mount_plan))
    for section, value in shown.items():
        if section == "agents":
            continue
        yield Row(
            section,
            [(section, "heading")],
            _origins(plan, section) if isinstance(value, Mapping) else (),
            right_yields=True,
        )
        yield from _values(plan, section, value, 1)
    if plan.agents:
        yield Row("agents", [("agents", "heading")])
        for name, agent in plan.agents.items():
            words = clean_line(agent.description, KEPT)
            yield Row(f"agents.{name}", [(f"  {clean_line(name)}  ", "strong"), (words, "muted")],
                      _origins(plan, f"agents.{name}"), right_yields=True)  # fmt: skip
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
            yield Row(at, [(f"{indent}{clean_line(id)}", "strong")], _origins(plan, at), right_yields=True)
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
        yield Row(path, [(f"{indent}{clean_line(key)}", "key")], _origins(plan, path), right_yields=True)
        yield from _values(plan, path, value, depth + 1)
    else:
        left = [(f"{indent}{clean_line(key)}".ljust(NAMES) + " ", "key"), (clean_line(_short(value), KEPT), "")]
        yield Row(path, left, _origins(plan, path), right_yields=True)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _origins(plan: Plan, path: str) -> list[tuple[str, str]]:
    """Return the place that won, then those it won over."""
    found = [clean_line(str(one), 200) for one in reversed(plan.origins.get(path, ()))]
    return [(one, "") if number == 0 else (f"  over {one}", "muted") for number, one in enumerate(found)]


class PlanView(Vertical):
    """Everything of the Plan tab."""

    DEFAULT_CSS = """
    PlanView {
        & > RowList { height: 1fr; }
        & > Bar { height: auto; display: none; }
    }
    """

    @dataclass
    class Jump(Message):
        """Show the place that set a value."""

        view: PlanView
        origin: Origin

    @dataclass
    class ToProblem(Message):
        """Show the place of a problem."""

        view: PlanView
        problem: Problem

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plan: Plan | None = None
        self._problems: Sequence[Problem] = ()
        self._old = False

    def compose(self) -> ComposeResult:
        yield RowList(empty="Nothing to mount yet.\nadd a provider: {app.palette|^p}, add provider")
        yield Bar()

    def show(self, plan: Plan, *, last: Plan | None = None) -> None:
        """Show a plan; the cursor stays at its value.

        Where its text cannot be read, `last`, the plan from before that, stands under what is wrong.
        """
        self._old = not is_readable(plan.problems)
        self._plan, self._problems = (last if self._old else plan), plan.errors
        self._lay()

    def on_resize(self) -> None:
        """Break the problems at the new width."""
        self._lay()

    def _lay(self) -> None:
        shown = self.query_one(RowList)
        rows = list(problem_rows(self._problems[:SHOWN], shown.scrollable_content_region.width, id=PROBLEM))
        if len(self._problems) > SHOWN:
            more = f"and {len(self._problems) - SHOWN} more, in Problems"
            rows.append(Row("more", [INDENT, (more, "muted")], heading=True))
        values = list(plan_rows(self._plan)) if self._plan is not None else []
        if values and self._old:
            rows.append(Row("old", [("The plan of the text as it was when it could be read:", "warn")], heading=True))
        shown.put(rows + values)
        self._tell_all()

    def _tell_all(self) -> None:
        """Write the row under the cursor out below the list where its line cuts it."""
        rows, bar = self.query_one(RowList), self.query_one(Bar)
        row = rows.row
        room = rows.scrollable_content_region.width - EDGES
        cut = row is not None and width_of(row.left) + 1 + width_of(row.right) > room > 0
        bar.display = cut
        if row is not None and cut:
            left = [(f"{text.strip()}  ", role) for text, role in row.left]
            bar.put([*left, *row.right], most=max(2, self.size.height // 2))
            at = Region(0, rows.cursor, 1, 1)
            rows.call_after_refresh(rows.scroll_to_region, at, animate=False, force=True)  # the list is lower now

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._tell_all()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        if event.row.id.startswith(PROBLEM):
            self.post_message(self.ToProblem(self, self._problems[int(event.row.id.removeprefix(PROBLEM))]))
            return
        origins: Sequence[Origin] = self._plan.origins.get(event.row.id, ()) if self._plan else ()
        if origins:
            self.post_message(self.Jump(self, origins[-1]))
