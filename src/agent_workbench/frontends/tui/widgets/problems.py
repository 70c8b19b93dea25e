"""The problems of a config, worst first; enter goes to the place, f fixes what knows its own fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.geometry import Region
from textual.message import Message

from agent_workbench.configs.problems import Problem
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.lines import Run, fold, wrap
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList
from agent_workbench.services.trust import CODE

_ROLES = {"error": "bad", "warning": "warn", "info": "muted"}
#: What the lines of a problem after its first one begin with.
INDENT: Run = (" " * 10, "")
#: Cells that a list keeps at its sides.
EDGES = 2
ENDLESS = 100_000
FIXES = {"fix": "f fixes it", "trust": "f asks you"}
_SIGNS = {"error": "●", "warning": "○", "info": "·"}


def fixable(problem: Problem) -> str:
    """Return what `f` does about a problem: `fix` it, ask about `trust`, or nothing."""
    return "trust" if problem.code == CODE else "fix" if problem.fix else ""


def problem_rows(problems: Sequence[Problem], width: int = 0, *, id: str = "") -> Iterator[Row]:
    """Yield rows for each problem: what is wrong and where, and below it how to fix it, all of it at any width.

    The row that can be chosen has `id` and the problem's index as its id. A `width` of 0 is as wide as it takes.
    """
    for index, problem in enumerate(problems):
        role = _ROLES[problem.severity]
        known = (clean_line(problem.source), str(problem.line or ""), str(problem.column or ""))
        where = ":".join(part for part in known if part)
        sign = [(f"{_SIGNS[problem.severity]} ", f"{role} ornament"), (f"{problem.severity:<8}", role)]
        wide = cell_len(where) * 3 <= width or not width  # else the place has a line of its own
        room = width - EDGES - (cell_len(where) + 1 if wide else 0) if width else ENDLESS
        said = wrap([(clean_line(problem.message), "")], room, sign, [INDENT])
        right = [(where, "muted")] if wide and where else []
        yield Row(f"{id}{index}", said[0], right)
        below = said[1:]
        if not wide:
            below += fold([(where, "muted")], width - EDGES, [INDENT])
        if problem.hint:
            fix = [(f"{FIXES[fixable(problem)]}: ", "key")] if fixable(problem) and not id else []
            hint = [*fix, (clean_line(problem.hint), "muted")]
            below += wrap(hint, width - EDGES if width else ENDLESS, [INDENT])
        for number, line in enumerate(below):
            yield Row(f"{id}{index} {number}", line, heading=True)


class ProblemList(Vertical):
    """Everything of the Problems tab."""

    DEFAULT_CSS = """
    ProblemList > RowList { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [bind("problems.fix", "f", "fix", "fix", "Make the fix that is offered")]

    @dataclass
    class Jump(Message):
        """Show the place of a problem."""

        view: ProblemList
        problem: Problem

    @dataclass
    class Fix(Message):
        """Make a problem's fix."""

        view: ProblemList
        problem: Problem

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.problems: tuple[Problem, ...] = ()

    def compose(self) -> ComposeResult:
        yield RowList(empty="No problems.")

    def show(self, problems: tuple[Problem, ...]) -> None:
        """Show problems, worst first."""
        if problems != self.problems:
            self.problems = problems
            self._lay()

    def on_resize(self) -> None:
        """Break the texts at the new width."""
        self._lay()

    def _lay(self) -> None:
        rows = self.query_one(RowList)
        rows.put(list(problem_rows(self.problems, rows.scrollable_content_region.width)))

    @property
    def current(self) -> Problem | None:
        """The problem under the cursor."""
        row = self.query_one(RowList).row
        return self.problems[int(row.id)] if row else None

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        """Bring all lines of the problem under the cursor into view."""
        event.stop()
        rows = event.list
        lines = next((n for n, row in enumerate(rows.rows[rows.cursor + 1 :]) if not row.heading), None)
        height = 1 + (len(rows.rows) - rows.cursor - 1 if lines is None else lines)
        rows.scroll_to_region(Region(0, max(0, rows.cursor), 1, height), animate=False, force=True)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        if self.current is not None:
            self.post_message(self.Jump(self, self.current))

    def action_fix(self) -> None:
        """Ask for the fix of the problem under the cursor."""
        if self.current is not None and fixable(self.current):
            self.post_message(self.Fix(self, self.current))
