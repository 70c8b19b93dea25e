"""The three columns of the screen, with sizes that a person sets: by keys, or by dragging the borders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from textual import events
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget

Edge = Literal["lists", "desk", "rows"]
#: The least that a column keeps, in cells.
LEAST = 16
#: The least that the desk and the chats keep, as a share of what both have.
LEAST_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a person set; 0 is as the program thinks best.

    `lists` is the width of the lists in cells, `share` the desk's part of the rest, `rows` the height of the upper
    list.
    """

    lists: int = 0
    share: float = 0.0
    rows: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Sizes:
        """Read what was remembered; what does not fit is left out."""
        lists, share, rows = (stored.get(name) for name in ("lists", "share", "rows"))
        return cls(
            lists if isinstance(lists, int) and LEAST <= lists <= 200 else 0,
            share if isinstance(share, float) and LEAST_SHARE <= share <= 1 - LEAST_SHARE else 0.0,
            rows if isinstance(rows, int) and 3 <= rows <= 200 else 0,
        )


class Columns(Horizontal):
    """Lists, desk and chats beside each other. A border between two of them can be dragged."""

    @dataclass
    class Resized(Message):
        """A person gave the columns other sizes."""

        columns: Columns

    def __init__(self, *children: Widget, id: str | None = None) -> None:
        super().__init__(*children, id=id)
        self.sizes = Sizes()
        self.alone = False
        """Whether one part has all the room."""
        self._dragged: Edge | None = None

    def set_sizes(self, sizes: Sizes) -> None:
        """Give the columns their sizes."""
        self.sizes = sizes
        self.apply()

    def apply(self) -> None:
        """Set the sizes on the columns, as far as the room goes: a smaller terminal takes none of them away."""
        lists, desk, chat = (self.query_one(name) for name in ("#browsers", "#edit", "#chat"))
        sizes = Sizes() if self.alone else self.sizes
        lists.styles.width = min(sizes.lists, max(LEAST, self.app.size.width // 2)) or None
        self.query_one("#configs").styles.height = min(sizes.rows, max(4, self.app.size.height - 8)) or None
        desk.styles.width = f"{sizes.share:.3f}fr" if sizes.share else None
        chat.styles.width = f"{1 - sizes.share:.3f}fr" if sizes.share else None if desk.display else "1fr"

    def grow(self, part: str, by: int) -> None:
        """Make a part wider by some cells, or narrower."""
        if part in ("configs", "sessions"):
            self._lists_to(self.query_one("#browsers").outer_size.width + by)
        else:
            self._desk_to(self.query_one("#edit").outer_size.width + (by if part == "edit" else -by))
        self._done()

    def grow_rows(self, by: int) -> None:
        """Make the upper list higher by some lines, or lower."""
        self._rows_to(self.query_one("#configs").outer_size.height + by)
        self._done()

    def reset(self) -> None:
        """Go back to the sizes that the program thinks best."""
        self.set_sizes(Sizes())
        self._done()

    def _lists_to(self, width: int) -> None:
        most = max(LEAST, self.size.width // 2)
        self.set_sizes(Sizes(min(max(width, LEAST), most), self.sizes.share, self.sizes.rows))

    def _desk_to(self, width: int) -> None:
        both = self.query_one("#edit").outer_size.width + self.query_one("#chat").outer_size.width
        share = min(max(width / max(1, both), LEAST_SHARE), 1 - LEAST_SHARE)
        self.set_sizes(Sizes(self.sizes.lists, share, self.sizes.rows))

    def _rows_to(self, height: int) -> None:
        most = max(4, self.size.height - 4)
        self.set_sizes(Sizes(self.sizes.lists, self.sizes.share, min(max(height, 4), most)))

    def _done(self) -> None:
        self.post_message(self.Resized(self))

    # --- the mouse

    def _edge_at(self, x: int, y: int) -> Edge | None:
        """Return which border is at a place of the screen: both columns of cells that two frames make."""
        lists, desk, chat = (self.query_one(name) for name in ("#browsers", "#edit", "#chat"))
        if lists.display and (desk.display or chat.display) and x in (lists.region.right - 1, lists.region.right):
            return "lists"
        if desk.display and chat.display and x in (desk.region.right - 1, desk.region.right):
            return "desk"
        configs = self.query_one("#configs")
        below = self.query_one("#sessions").display and configs.display and x < lists.region.right
        return "rows" if lists.display and below and y in (configs.region.bottom - 1, configs.region.bottom) else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a border."""
        self._dragged = self._edge_at(event.screen_x, event.screen_y)
        if self._dragged is not None:
            event.stop()
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the border that is held."""
        match self._dragged:
            case "lists":
                self._lists_to(event.screen_x - self.region.x + 1)
            case "desk":
                self._desk_to(event.screen_x - self.query_one("#edit").region.x + 1)
            case "rows":
                self._rows_to(event.screen_y - self.region.y + 1)
            case None:
                return
        event.stop()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let the border go."""
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()
            event.stop()
            self._done()
