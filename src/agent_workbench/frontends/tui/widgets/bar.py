"""One line with something at each end."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from agent_workbench.frontends.tui.widgets.lines import Run, ends, fit

_STYLES = {
    "muted": "$foreground 60%",
    "strong": "bold",
    "who": "bold $text-primary",
    "state": "$text-primary",
    "good": "$text-success",
    "bad": "$text-error",
    "warn": "bold $text-warning",
    "key": "bold $text-accent",
}


class Bar(Widget):
    """Two texts at the ends of one line; the left one gives way. Texts are cleaned by who makes the runs."""

    DEFAULT_CSS = """
    Bar {
        height: 1;
        padding: 0 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left: Sequence[Run] = ()
        self._right: Sequence[Run] = ()

    def put(self, left: Sequence[Run], right: Sequence[Run] = ()) -> None:
        """Show these runs."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    @property
    def plain(self) -> str:
        """What is shown, without its place."""
        return " ".join("".join(text for text, _ in runs) for runs in (self._left, self._right) if runs)

    def render(self) -> Content:
        """Set the runs on the line."""
        width = self.content_size.width
        line = ends(self._left, self._right, width) if self._right else fit(self._left, width)
        return Content.assemble(*((text, _STYLES.get(role, "")) for text, role in line))
