"""The palette: every command, config, session, setting and theme by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent_workbench.frontends.tui.ranking import fitting
from agent_workbench.frontends.tui.screens.pick import Pick
from agent_workbench.frontends.tui.widgets.row_list import Row


class Palette(Pick):
    """Returns the id of what is to be done: what was done last stands first, until something is typed.

    `beyond` gives rows for what is typed that lead to where more can be found.
    """

    ABOUT = "Everything by its name: type words of it, or the first letters of its words. Enter does it."

    def __init__(self, rows: Sequence[Row], recent: Sequence[str], beyond: Callable[[str], Sequence[Row]]) -> None:
        by_id = {row.id: row for row in rows}
        self._recent = [id for id in recent if id in by_id]
        first = [by_id[id] for id in self._recent]
        rest = [row for row in rows if row.id not in self._recent]
        super().__init__("Commands", [*first, *rest], search=True)
        self._beyond = beyond

    def found(self, text: str) -> Sequence[Row]:
        """Return what fits, then the ways to look further."""
        return [*fitting(self.rows, text, self._recent), *(self._beyond(text) if text.strip() else ())]
