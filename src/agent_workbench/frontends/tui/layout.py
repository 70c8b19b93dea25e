"""Which parts of the screen are shown, and how large: hidden, alone, sized by a person; all of it remembered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from agent_workbench.frontends.tui.widgets.columns import Columns, Sizes
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.pane_layout import Shares

if TYPE_CHECKING:
    from textual.screen import Screen

View = Literal["configs", "sessions", "edit", "chat"]
Column = Literal["lists", "edit", "chat"]
VIEWS: tuple[View, ...] = ("configs", "sessions", "edit", "chat")
COLUMNS: tuple[Column, ...] = ("lists", "edit", "chat")
#: Under this many columns one thing is shown at a time.
NARROW = 110


def column_of(view: View) -> Column:
    """Return the column that a part of the screen is in."""
    return "lists" if view == "configs" or view == "sessions" else view


class Layout:
    """Arranges the main screen."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen
        self.hidden: set[Column] = set()
        self.alone = False
        """Whether the part that a person is in has the whole screen."""
        self.linear = False
        """Whether that is so always, for those who hear the screen."""

    @property
    def one_at_a_time(self) -> bool:
        """Whether one part is shown at a time."""
        return self.alone or self.linear or self._screen.size.width < NARROW

    def arrange(self, view: View) -> None:
        """Show the parts that are to be seen; the one that a person is in always is.

        Set on the parts: a class on the screen would restyle every widget of it.
        """
        self.hidden.discard(column_of(view))
        one, screen = self.one_at_a_time, self._screen
        for part in VIEWS:
            screen.query_one(f"#{part}").display = part == view if one else column_of(part) not in self.hidden
        lists = column_of(view) == "lists" if one else "lists" not in self.hidden
        screen.query_one("#browsers").display = lists
        columns = screen.query_one(Columns)
        columns.alone = one
        columns.apply()

    def is_last(self, column: Column) -> bool:
        """Whether a column is the only one that is shown."""
        return column not in self.hidden and all(one in self.hidden for one in COLUMNS if one != column)

    def toggle(self, column: Column, view: View) -> View:
        """Hide a column or show it again; return the part to go to, another one where the person was in it."""
        if column in self.hidden:
            self.hidden.discard(column)
            return view
        left = [one for one in COLUMNS if one != column and one not in self.hidden]
        self.hidden.add(column)
        if column_of(view) != column:
            return view
        other = "edit" if "edit" in left else left[0]
        return "configs" if other == "lists" else other

    def zoom(self, view: View) -> None:
        """Give the part that a person is in the whole screen, of the panes the active one; or show all again."""
        grid = self._screen.query_one(PaneGrid)
        self.alone = not (self.alone or grid.zoom)
        grid.zoom = self.alone and view == "chat" and len(grid.panes) > 1

    def reset(self) -> None:
        """Show everything as the program thinks best."""
        self.hidden.clear()
        self.alone = False
        grid = self._screen.query_one(PaneGrid)
        grid.zoom, grid.shares = False, Shares()
        self._screen.query_one(Columns).reset()

    # --- remember

    @property
    def state(self) -> dict[str, Any]:
        """What is worth remembering."""
        sizes, grid = self._screen.query_one(Columns).sizes, self._screen.query_one(PaneGrid)
        return {
            "lists": sizes.lists, "share": sizes.share, "rows": sizes.rows,
            "left": grid.shares.left, "heights": list(grid.shares.rows),
            "hidden": sorted(self.hidden), "alone": self.alone, "zoom": grid.zoom,
            "pane": grid.active.number if grid.active is not None else 0,
        }  # fmt: skip

    def restore(self, stored: object) -> None:
        """Take what was remembered; what does not fit is left out."""
        if not isinstance(stored, Mapping):
            return
        self._screen.query_one(Columns).set_sizes(Sizes.of(stored))
        grid = self._screen.query_one(PaneGrid)
        grid.shares = Shares.of(stored)
        for pane in grid.panes:
            if pane.number == stored.get("pane"):
                grid.activate(pane, focus=False)
        grid.zoom = stored.get("zoom") is True and len(grid.panes) > 1
        named = stored.get("hidden")
        self.hidden = {one for one in COLUMNS if isinstance(named, list) and one in named}
        self.alone = stored.get("alone") is True
