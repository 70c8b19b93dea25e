"""What the agent still has to do, over the prompt: a few lines while there is something, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from agent_workbench.frontends.tui.widgets.lines import Line, fit, pad
from agent_workbench.frontends.tui.widgets.paint import LinesView
from agent_workbench.frontends.tui.widgets.tool_card import todo_lines

#: Items that are shown; the others are counted.
MOST = 4
_DONE = ("completed", "done", "cancelled")


class TodoPanel(LinesView, can_focus=False):
    """The open items of the newest list, the one in work first."""

    DEFAULT_CSS = """
    TodoPanel {
        display: none;
        height: auto;
        overflow-y: hidden;
        padding: 0 1;
        background: $surface;
        &.-open { display: block; }
    }
    """

    open = reactive(False, toggle_class="-open")

    def __init__(self) -> None:
        super().__init__()
        self._items: Sequence[Mapping[str, Any]] = ()

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        """The list that is shown."""
        return self._items

    def put(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Show a list; one that is done, or empty, takes the panel away."""
        if items != self._items:
            self._items = items
            self.open = bool(self._left)
            self.refresh(layout=True)

    @property
    def _left(self) -> list[Mapping[str, Any]]:
        left = [item for item in self._items if item.get("status") not in _DONE]
        return sorted(left, key=lambda item: item.get("status") != "in_progress")

    def lines(self, width: int) -> list[Line]:
        """Return the lines at a width: how far it is, then what is left."""
        left = self._left
        done = len(self._items) - len(left)
        lines: list[Line] = [[(f"to do · {done} of {len(self._items)} done", "muted")]]
        lines += [fit(todo_lines(item, 400)[0], width) for item in left[:MOST]]
        return lines + ([[(f"… and {len(left) - MOST} more", "muted")]] if len(left) > MOST else [])

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines there are."""
        return len(self.lines(width)) if self._items else 0

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        width = self.size.width
        lines = self.lines(width)
        return self.strip_of(pad(lines[y] if y < len(lines) else [], width))
