"""Find, replace and go to a line, in one line under the editor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.inputs import LineInput

Mode = Literal["find", "line"]


class FindBar(Horizontal):
    """Words to find, and what to put in their place."""

    DEFAULT_CSS = """
    FindBar {
        height: 1;
        display: none;
        &.-open { display: block; }
        & > .label { width: auto; padding: 0 1; }
        & > LineInput { width: 1fr; }
        & > #count { width: auto; padding: 0 1; }
        &.-line > .replacing { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("find.next", "enter,down", "step(1)", "next", "The next match"),
        bind("find.previous", "shift+enter,up", "step(-1)", "previous", "The match before"),
        bind("find.replace", "ctrl+r", "replace(False)", "replace", "Replace this match and go to the next"),
        bind("find.replace_all", "ctrl+alt+r,f9", "replace(True)", "replace all", "Replace every match"),
        bind("find.close", "escape", "close", "close", "Back to the text"),
    ]

    _found = ""

    @dataclass
    class Step(Message):
        """Go to the match before (-1), at (0) or after (1) the cursor."""

        bar: FindBar
        words: str
        by: int

    @dataclass
    class Replace(Message):
        """Replace the match at the cursor, or all of them."""

        bar: FindBar
        words: str
        by: str
        all: bool

    @dataclass
    class GoTo(Message):
        """Go to a line, from 1."""

        bar: FindBar
        line: int

    @dataclass
    class Closed(Message):
        """Back to the text."""

        bar: FindBar

    def compose(self) -> ComposeResult:
        yield Static("find", classes="label", id="mode")
        yield LineInput(id="words")
        yield Static("", id="count")
        yield Static("replace by", classes="label replacing")
        yield LineInput(id="by", classes="replacing")

    def open(self, mode: Mode, words: str = "") -> None:
        """Show the bar for a line number, or for finding: these words, else those of the last time."""
        field = self.query_one("#words", LineInput)
        if not self.has_class("-line"):
            self._found = field.value
        self.add_class("-open")
        self.set_class(mode == "line", "-line")
        self.query_one("#mode", Static).update("line" if mode == "line" else "find")
        self.query_one("#count", Static).update("")
        if words:
            field.value = words
        else:
            with field.prevent(Input.Changed):  # the cursor stays until something else is typed
                field.value = "" if mode == "line" else self._found
        self.refresh_bindings()
        field.focus()
        field.select_all()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer nothing that finds or replaces while a line is asked for."""
        if self.has_class("-line"):
            return action != "replace" and (action != "step" or parameters == (1,))
        return True

    def count(self, index: int, total: int) -> None:
        """Say which match the cursor is at."""
        self.say(f"{index + 1} of {total}" if total else ("none" if self.words else ""))

    def say(self, words: str) -> None:
        """Say what came of looking."""
        self.query_one("#count", Static).update(clean_line(words, 48))

    @property
    def words(self) -> str:
        """What is looked for."""
        return self.query_one("#words", LineInput).value

    @on(Input.Changed, "#words")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.has_class("-line") and self.has_class("-open"):
            self.post_message(self.Step(self, event.value, 0))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_step(1)

    def action_step(self, by: int) -> None:
        """Go to the next match, or to the line."""
        if not self.has_class("-line"):
            self.post_message(self.Step(self, self.words, by))
        elif self.words.strip().isdecimal():
            self.post_message(self.GoTo(self, int(self.words)))
            self.action_close()

    def action_replace(self, all: bool) -> None:
        """Replace one match or all."""
        if self.words and not self.has_class("-line"):
            self.post_message(self.Replace(self, self.words, self.query_one("#by", LineInput).value, all))

    def action_close(self) -> None:
        """Hide the bar."""
        self.remove_class("-open")
        self.post_message(self.Closed(self))
