"""One line with something at each end, or a few where its words need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from agent_workbench.frontends.tui.widgets.lines import Line, Run, ends, fit, width_of, wrap
from agent_workbench.frontends.tui.widgets.spoken import is_heard, spoken

_STYLES = {
    "muted": "$text-muted",
    "strong": "bold",
    "who": "bold $text-primary",
    "state": "$text-primary",
    "good": "$text-success",
    "bad": "$text-error",
    "warn": "bold $text-warning",
    "key": "bold $text-accent",
}


class Bar(Widget):
    """Two texts at the ends of one line; the left one gives way. Texts are cleaned by who makes the runs.

    With `height: auto` the left text may go on below, on as many lines as whoever puts it there allows.
    """

    DEFAULT_CSS = """
    Bar {
        height: 1;
        padding: 0 1;
    }
    """

    @dataclass
    class Clicked(Message):
        """A run at the left was clicked on."""

        bar: Bar
        text: str

        @property
        def control(self) -> Bar:
            return self.bar

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left: Sequence[Run] = ()
        self._right: Sequence[Run] = ()
        self._most = 1

    def put(self, left: Sequence[Run], right: Sequence[Run] = (), *, most: int = 1) -> None:
        """Show these runs on `most` lines at most."""
        if (left, right, most) != (self._left, self._right, self._most):
            self._left, self._right, self._most = left, right, most
            size = self.content_size
            self.refresh(layout=self.styles.is_auto_height and len(self._lines(size.width)) != size.height)

    @property
    def plain(self) -> str:
        """What is shown, without its place."""
        return " ".join("".join(text for text, _ in runs) for runs in (self._left, self._right) if runs)

    def on_click(self, event: events.Click) -> None:
        """Say which run was clicked on."""
        at = event.x - self.gutter.left
        for text, _ in self._left:
            if 0 <= at < cell_len(text):
                self.post_message(self.Clicked(self, text))
            at -= cell_len(text)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines the runs take."""
        return len(self._lines(width))

    def _lines(self, width: int) -> list[Line]:
        room = width - width_of(self._right) - 1 if self._right else width
        lines = wrap(self._left, room) if self._most > 1 else [list(self._left)]
        first = ends(lines[0], self._right, width) if self._right else fit(lines[0], width)
        if len(lines) > self._most:
            lines[self._most - 1] = fit([*lines[self._most - 1], (" ", ""), *lines[self._most]], room)
        return [first, *lines[1 : self._most]]

    def render(self) -> Content:
        """Set the runs on the lines."""
        lines = self._lines(self.content_size.width)
        return Content("\n").join(
            Content.assemble(*((text, _STYLES.get(role.partition(" ")[0], "")) for text, role in line))
            for line in (map(spoken, lines) if is_heard(self) else lines)
        )
