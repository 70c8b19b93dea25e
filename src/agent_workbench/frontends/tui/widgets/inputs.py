"""Textual's inputs as this program wants them: one line high, still while idle, and safe to paint."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Input

from agent_workbench.conversation.clean import clean
from agent_workbench.frontends.tui.widgets.steady import SteadyArea


def one_to_one(raw: str) -> str:
    """Make a line safe to paint without moving a column: each unseen character becomes one that is seen."""
    if (raw.isascii() and raw.isprintable()) or clean(raw) == raw:
        return raw
    return "".join(seen if len(seen := clean(one)) == 1 else "\ufffd" for one in raw)


class LineInput(Input):
    """An input of one line, without a border and without a blinking cursor (which wakes an idle program)."""

    DEFAULT_CSS = """
    LineInput {
        border: none; height: 1; padding: 0;
        &:focus { border: none; }
    }
    """

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        password: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            password=password,
            compact=True,
            select_on_focus=False,
            id=id,
            classes=classes,
        )
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Keep what is typed, pasted or set safe to paint, whoever does it."""
        return one_to_one(value)


class SafeArea(SteadyArea):
    """A text area that paints control characters as something seen."""

    DEFAULT_CSS = """
    SafeArea {
        border: none; padding: 0;
        &:focus { border: none; }
    }
    """

    def __init__(self, text: str = "", *, read_only: bool = False, id: str | None = None, classes: str | None = None):
        super().__init__(
            text, soft_wrap=False, read_only=read_only, highlight_cursor_line=False, id=id, classes=classes
        )
        self.cursor_blink = False

    def get_line(self, line_index: int) -> Text:
        """Return a line as it is painted."""
        return Text(one_to_one(self.document.get_line(line_index)), end="", no_wrap=True)
