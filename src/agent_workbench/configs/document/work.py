"""Makes edits one after another, each proved before it counts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from agent_workbench.configs.document.law import difference
from agent_workbench.configs.document.layout import Layout
from agent_workbench.configs.document.splices import Plan, Splicer
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.nodes import Path
from agent_workbench.configs.problems import errors
from agent_workbench.configs.reader import Reading, read, show_path
from agent_workbench.errors import EditRefused

BY_HAND = "make the change by hand in the text"


class Work:
    """A text on its way from one state to another.

    Raises:
        EditRefused: If the text has errors to begin with.
    """

    def __init__(self, reading: Reading) -> None:
        wrong = errors(reading.problems)
        if wrong:
            raise EditRefused(f"the text has an error, so it is not edited: {wrong[0]}", wrong)
        self.original = reading
        self._at(reading)
        self._gathered: Plan | None = None
        self._low = self._high_old = self._high_new = -1

    def _at(self, reading: Reading) -> None:
        self.reading = reading
        self.layout = Layout(reading)
        self.splicer = Splicer(self.layout)

    @property
    def data(self) -> dict[str, Any]:
        """The data as it is now."""
        return self.reading.data

    def do(self, plans: list[Plan], meant: Any, *, alike: Callable[[Any, Any], bool] | None = None) -> None:
        """Carry out the first plan after which the data is what was meant (or `alike` it).

        Raises:
            EditRefused: If no plan leads there.
        """
        if self._gathered is not None:
            self._gathered += plans[0]
            return
        reasons: list[str] = []
        for plan in plans:
            text = self._spliced(plan)
            reading = read(text, source=self.reading.source, markdown=self.reading.is_markdown)
            reason = self._broken(reading, meant, alike)
            if reason is None:
                self._note(plan)
                self._at(reading)
                return
            reasons.append(reason)
        reason = reasons[0] if reasons else "there is no way to write it"
        raise EditRefused(f"the edit was not made: {reason}; {BY_HAND}")

    @property
    def is_gathering(self) -> bool:
        """Whether steps are being gathered: then all of them see the text as it was before the first."""
        return self._gathered is not None

    def together(self, steps: Callable[[], None], meant: Any) -> None:
        """Make several changes as one, which reads the text once; one by one where they touch each other."""
        if self.is_gathering:
            steps()
            return
        self._gathered = []
        try:
            steps()
            plan, self._gathered = self._gathered, None
            if _touch(plan):
                raise EditRefused("the changes touch each other")
            self.do([plan], meant)
        except EditRefused:
            self._gathered = None
            steps()

    def edit(self, summary: str) -> Edit:
        """Return everything that was done as one edit."""
        if self._low < 0:
            return Edit(0, "", "", summary)
        old = self.original.text[self._low : self._high_old]
        return Edit(self._low, old, self.reading.text[self._low : self._high_new], summary)

    def _spliced(self, plan: Plan) -> str:
        text = self.reading.text
        # From the end; of two at one place the one that was planned first comes to stand first.
        for _, splice in sorted(enumerate(plan), key=lambda item: (item[1].start, item[0]), reverse=True):
            text = text[: splice.start] + splice.new + text[splice.end :]
        return text

    def _broken(self, after: Reading, meant: Any, alike: Callable[[Any, Any], bool] | None) -> str | None:
        wrong = errors(after.problems)
        if wrong:
            return f"the text would have an error then ({wrong[0].message}, line {wrong[0].line})"
        if after.body != self.reading.body:
            return "the markdown below would change too"
        if alike is not None:
            return None if alike(after.data, meant) else "other values would change too"
        where = difference(after.data, meant)
        if where is None:
            return None
        place = self.reading.place(where)
        line = f" (line {place.line})" if place else ""
        why = ", for it is shared through an alias" if self._is_shared(where) else ""
        return f"`{show_path(where) or 'the whole'}`{line} would not become or stay what it should{why}"

    def _is_shared(self, path: Path) -> bool:
        try:
            spot = self.layout.find(path)
        except EditRefused:
            return True
        return spot is not None and spot.value.kind == "alias"

    def _note(self, plan: Plan) -> None:
        """Keep the changed stretch: in the original [low, high_old), now [low, high_new)."""
        low, high = min(s.start for s in plan), max(s.end for s in plan)
        grown = sum(len(s.new) - (s.end - s.start) for s in plan)
        if self._low < 0:
            self._low, self._high_old, self._high_new = low, high, high + grown
            return
        beyond = max(0, high - self._high_new)
        self._high_old += beyond
        self._high_new += beyond + grown
        self._low = min(self._low, low)


def _touch(plan: Plan) -> bool:
    ordered = sorted(plan)
    return any(after.start < before.end for before, after in pairwise(ordered))
