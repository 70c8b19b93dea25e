"""Find in what was said: one line under the transcript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, Static

from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.inputs import LineInput


class FindLine(Horizontal):
    """Words to find in what was said, and how many blocks hold them."""

    DEFAULT_CSS = """
    FindLine {
        height: 1;
        display: none;
        background: $panel;
        &.-open { display: block; }
        & > Static { width: auto; padding: 0 1; color: $text-muted; }
        & > LineInput { width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("chat_find.previous", "enter,up", "step(-1)", "before", "The find before"),
        bind("chat_find.next", "shift+enter,down", "step(1)", "next", "The next find"),
        bind("chat_find.close", "escape", "close", "close", "Back to the prompt"),
    ]
    open = reactive(False, toggle_class="-open")

    @dataclass
    class Find(Message):
        """Words are to be found; empty ones end the search."""

        line: FindLine
        words: str

    @dataclass
    class Step(Message):
        """The next (1) or the previous (-1) find is wanted."""

        line: FindLine
        by: int

    @dataclass
    class Closed(Message):
        """Back to the prompt."""

        line: FindLine

    def compose(self) -> ComposeResult:
        yield Static("find", markup=False)
        yield LineInput(placeholder="in what was said")
        yield Static("", classes="count", markup=False)

    def start(self, words: str = "") -> None:
        """Open the line, with these words where some are given."""
        self.open = True
        field = self.query_one(LineInput)
        if words:
            field.value = words
        elif field.value:
            self.post_message(self.Find(self, field.value))
        self.call_after_refresh(field.focus)

    def show(self, words: str) -> None:
        """Open the line with words that were found already; the focus stays where it is."""
        self.open = True
        field = self.query_one(LineInput)
        with field.prevent(Input.Changed):
            field.value = words

    def count(self, place: int, found: int) -> None:
        """Say how many blocks hold the words, and which of them is shown."""
        words = self.query_one(LineInput).value
        self.query_one(".count", Static).update("" if not words else f"{place:,} of {found:,}" if found else "none")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.open:
            self.post_message(self.Find(self, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_step(-1)

    def action_step(self, by: int) -> None:
        """Go to another find; the newest comes first."""
        self.post_message(self.Step(self, by))

    def action_close(self) -> None:
        """Hide the line and the marks."""
        self.open = False
        self.post_message(self.Find(self, ""))
        self.post_message(self.Closed(self))
