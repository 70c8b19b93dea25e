"""A titled list with a filter line: what the config and the session list have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList


def more_row(count: int) -> Iterator[Row]:
    """Yield the row that says how many more there are than are listed, where there are any."""
    if count > 0:
        yield Row("more", [(f"  … {count:,} more: / finds them", "muted")], heading=True)


class Browser(Vertical):
    """A title, a filter, rows. Posts what is asked of the row under the cursor; somebody else does it."""

    DEFAULT_CSS = """
    Browser {
        & > .filter {
            height: 1;
            padding: 0 1;
            & > Static { width: 2; }
            & > LineInput { width: 1fr; }
        }
        & > RowList { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("browser.filter", "slash", "filter", "filter", "Show only what holds some words"),
        bind("browser.back", "escape", "clear", "show all", "Show everything again", show=False),
    ]
    TITLE: ClassVar[str] = ""
    FILTER: ClassVar[str] = "filter"
    EMPTY: ClassVar[str] = ""
    NO_MATCH: ClassVar[str] = "Nothing fits.\n{browser.back|esc} shows everything"

    @dataclass
    class Asked(Message):
        """The person wants something done with a row: `open`, `delete`, `rename`, … (`id` may be empty)."""

        browser: Browser
        what: str
        id: str

        @property
        def control(self) -> Browser:
            return self.browser

    @dataclass
    class Filtered(Message):
        """Other words are to be looked for, or rows of another width; who owns the data puts the rows that fit."""

        browser: Browser
        words: str

        @property
        def control(self) -> Browser:
            return self.browser

    _width = 0

    def compose(self) -> ComposeResult:
        with Horizontal(classes="filter"):
            yield Static("/", classes="quiet")
            yield LineInput(placeholder=self.FILTER)
        yield RowList(empty=self.EMPTY)

    def on_mount(self) -> None:
        self.border_title = self.TITLE

    def on_resize(self, event: events.Resize) -> None:
        """Ask for rows of the new width."""
        before, self._width = self._width, event.size.width
        if before not in (0, self._width):
            self.post_message(self.Filtered(self, self.words))

    @property
    def entries(self) -> RowList:
        """The rows."""
        return self.query_one(RowList)

    @property
    def words(self) -> str:
        """What is filtered by."""
        return self.query_one(LineInput).value.strip()

    def put(self, rows: list[Row], *, at: str = "") -> None:
        """Show rows."""
        self.entries.empty = self.NO_MATCH if self.words else self.EMPTY
        self.entries.put(rows, at=at)

    def focus_list(self) -> None:
        """Go to the rows."""
        self.entries.focus()

    def ask(self, what: str) -> None:
        """Ask for something to be done with the row under the cursor."""
        self.post_message(self.Asked(self, what, self.entries.row.id if self.entries.row else ""))

    def action_ask(self, what: str) -> None:
        """Ask for something (see `Asked`)."""
        self.ask(what)

    def action_filter(self) -> None:
        """Go to the filter line; what is typed there takes the place of what was."""
        field = self.query_one(LineInput)
        field.focus()
        field.select_all()

    def action_clear(self) -> None:
        """Show everything and go back to the rows."""
        self.query_one(LineInput).value = ""
        self.focus_list()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Filtered(self, event.value.strip()))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_list()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.ask("open")
