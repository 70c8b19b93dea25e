"""A list of lines with a cursor: configs, sessions, problems, revisions, what fits at the editor's cursor.

A Line-API widget: ten thousand rows cost what the visible ones do. A row is values; a theme colours it when painted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from agent_workbench.frontends.tui.keys import bind, keys_in_use
from agent_workbench.frontends.tui.widgets.clicks import acts
from agent_workbench.frontends.tui.widgets.footer import named
from agent_workbench.frontends.tui.widgets.lines import Line, Run, ends, fit, fit_runs, pad, width_of
from agent_workbench.frontends.tui.widgets.paint import LinesView
from agent_workbench.frontends.tui.widgets.places import Place

#: What a right end that yields keeps, in cells.
LEAST_RIGHT = 11


@dataclass(frozen=True)
class Row:
    """One line; a heading cannot be chosen. Texts are clean.

    Where both ends do not fit the left one is cut, with `right_yields` the right one first. `about` is for whoever
    says elsewhere what has no room here.
    """

    id: str
    left: Sequence[Run]
    right: Sequence[Run] = ()
    heading: bool = False
    right_yields: bool = False
    about: str = ""


class RowList(LinesView, can_focus=True):
    """Arrows move, enter opens.

    One row is under the cursor. `empty` is shown where there are none, and says what to press (see `footer.named`).
    """

    DEFAULT_CSS = """
    RowList {
        overflow-y: auto;
        scrollbar-gutter: auto;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("list.up", "up", "move(-1)", "up", "The row above", show=False),
        bind("list.down", "down", "move(1)", "down", "The row below", show=False),
        bind("list.page_up", "pageup", "page(-1)", "page up", "A page up", show=False),
        bind("list.page_down", "pagedown", "page(1)", "page down", "A page down", show=False),
        bind("list.first", "home", "first", "first", "The first row", show=False),
        bind("list.last", "end", "last", "last", "The last row", show=False),
        bind("list.choose", "enter", "choose", "open", "Open what the cursor is on"),
    ]

    LIT: ClassVar[bool] = False
    """Whether the cursor looks focused always: in a list that is moved in from another widget."""
    cursor: reactive[int] = reactive(-1, init=False)

    @dataclass
    class Moved(Message):
        """The cursor is on another row; None where the list is empty."""

        list: RowList
        row: Row | None

        @property
        def control(self) -> RowList:
            return self.list

    @dataclass
    class Chosen(Message):
        """A row was chosen, by enter or a click."""

        list: RowList
        row: Row

        @property
        def control(self) -> RowList:
            return self.list

    def __init__(self, *, empty: str = "", id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.empty = empty
        self.rows: tuple[Row, ...] = ()
        self.walked = False
        """Whether the cursor was moved from another widget since the rows were put."""

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def put(self, rows: Sequence[Row], *, at: str = "") -> None:
        """Show rows; the cursor stays with its row's id, or goes to that of `at`."""
        before = self.row
        wanted = at or (before.id if before else "")
        self.rows = tuple(rows)
        self.walked = False
        found = next(
            (index for index, row in enumerate(self.rows) if wanted and row.id == wanted and not row.heading), -1
        )
        fallback = min(max(self.cursor, 0), len(self.rows) - 1)
        self.virtual_size = Size(0, max(len(self.rows), 1))
        self.set_reactive(RowList.cursor, found if found >= 0 else self._selectable(fallback, 1))
        self.refresh()
        self._show_cursor()
        if (self.row and self.row.id) != (before and before.id):
            self.post_message(self.Moved(self, self.row))

    def go_to(self, id: str) -> None:
        """Put the cursor on the row of an id, where it is listed."""
        if any(row.id == id and not row.heading for row in self.rows):
            self.put(self.rows, at=id)

    def _selectable(self, index: int, step: int) -> int:
        """Return the nearest row that can be chosen in a direction, else in the other, else -1."""
        for by in (step, -step):
            at = index
            while 0 <= at < len(self.rows):
                if not self.rows[at].heading:
                    return at
                at += by
        return -1

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return min(max(cursor, -1), len(self.rows) - 1)

    def watch_cursor(self, before: int, now: int) -> None:
        if before != now:
            self.refresh()
            self._show_cursor()
            if self.LIT:
                self.walked = True
                self.app.cursor_position = self.cursor_screen_offset
            self.post_message(self.Moved(self, self.row))

    def _show_cursor(self) -> None:
        if self.cursor >= 0 and self.is_mounted:
            top = 0 if self._selectable(0, 1) == self.cursor else self.cursor  # the heading above comes along
            self.scroll_to_region(Region(0, top, 1, self.cursor - top + 1), animate=False, force=True)
        if self.has_focus:  # the terminal's own cursor stands on the row: screen readers follow it
            self.app.cursor_position = self.cursor_screen_offset

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the row under the cursor begins on the screen."""
        row = max(0, self.cursor - self.scroll_offset.y)
        return self.content_region.offset + Offset(0, min(row, max(0, self.size.height - 1)))

    def on_focus(self) -> None:
        """Bring the terminal's cursor to the row."""
        self._show_cursor()

    def action_move(self, step: int) -> None:
        """Move the cursor by rows, over headings."""
        target = self.cursor + step
        if 0 <= target < len(self.rows):
            self.cursor = self._selectable(target, 1 if step > 0 else -1)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a window's height."""
        target = min(max(self.cursor + direction * max(1, self.size.height - 1), 0), len(self.rows) - 1)
        self.cursor = self._selectable(target, direction)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.cursor = self._selectable(0, 1)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self.cursor = self._selectable(len(self.rows) - 1, -1)

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.row is not None:
            self.post_message(self.Chosen(self, self.row))

    def places(self) -> Iterator[Place]:
        """Yield the rows in sight; the one under the cursor comes first."""
        inside, top = self.content_region.offset - self.region.offset, self.scroll_offset.y
        for index, row in enumerate(self.rows[top : top + self.size.height], top):
            if not row.heading:
                name = "".join(text for text, _ in row.left).strip()
                at = inside + Offset(0, index - top)
                yield Place(at, partial(self._point_at, index), name, main=index == self.cursor)

    def _point_at(self, index: int) -> None:
        self.cursor = index
        if self.can_focus:
            self.focus()

    def on_click(self, event: events.Click) -> None:
        """Choose the row that was clicked on."""
        index = event.y + self.scroll_offset.y
        if acts(event) and 0 <= index < len(self.rows) and not self.rows[index].heading:
            self.cursor = index
            self.action_choose()

    def render_line(self, y: int) -> Strip:
        """Paint a row of the window."""
        index, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if not self.rows:
            words = named(self.empty, keys_in_use(self.screen)).split("\n")
            line: Line = [(f" {words[y]}", "muted")] if y < len(words) else []
            return self.strip_of(pad(fit(line, width), width))
        if index >= len(self.rows):
            return self.strip_of([(" " * width, "")])
        row = self.rows[index]
        inner = max(0, width - 2)
        right = row.right
        if row.right_yields:
            right = fit_runs(right, max(LEAST_RIGHT, inner - width_of(row.left) - 1))
        line = ends(row.left, right, inner) if right else fit(row.left, inner)
        line = pad(line, inner)
        if index != self.cursor:
            return self.strip_of([(" ", ""), *line, (" " * (width - 1 - width_of(line)), "")])
        cursor = "focused-cursor" if self.has_focus or self.LIT else "cursor"
        edge = "focused-edge" if cursor == "focused-cursor" else "edge"
        lit = [(text, f"{role} {cursor}".strip()) for text, role in line]
        return self.strip_of([("▌", f"{edge} {cursor} here"), *lit, (" " * (width - 1 - width_of(line)), cursor)])


class LedList(RowList, can_focus=False):
    """A list that another widget leads: that one keeps the focus and moves the cursor here."""

    LIT = True
