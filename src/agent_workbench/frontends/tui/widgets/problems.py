"""The problems of a config, worst first; enter goes to the place, f fixes what knows its own fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from agent_workbench.configs.problems import Problem
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList

_ROLES = {"error": "bad", "warning": "warn", "info": "muted"}
_SIGNS = {"error": "●", "warning": "○", "info": "·"}


def problem_rows(problems: Sequence[Problem]) -> Iterator[Row]:
    """Yield two rows for each problem: what is wrong and where, and below it how to fix it."""
    for index, problem in enumerate(problems):
        role = _ROLES[problem.severity]
        at = f"{problem.line}:{problem.column}" if problem.line else ""
        where = ":".join(part for part in (clean_line(problem.source, 40), at) if part)
        left = [(f"{_SIGNS[problem.severity]} {problem.severity:<8}", role), (clean_line(problem.message), "")]
        yield Row(str(index), left, [(where, "muted")])
        if problem.hint:
            fix = "f fixes it: " if problem.fix else ""
            yield Row(
                f"hint {index}", [(" " * 10, ""), (fix, "key"), (clean_line(problem.hint), "muted")], heading=True
            )


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
            self.query_one(RowList).put(list(problem_rows(problems)))

    @property
    def current(self) -> Problem | None:
        """The problem under the cursor."""
        row = self.query_one(RowList).row
        return self.problems[int(row.id)] if row else None

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        if self.current is not None:
            self.post_message(self.Jump(self, self.current))

    def action_fix(self) -> None:
        """Ask for the fix of the problem under the cursor."""
        if self.current is not None and self.current.fix is not None:
            self.post_message(self.Fix(self, self.current))
