"""The console of a session: what happened in its turns, to search, and in full to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.screens.sheet import Sheet
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.frontends.tui.widgets.lines import Line
from agent_workbench.frontends.tui.widgets.markdown import code_lines
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList
from agent_workbench.services.console import Entry

Again = Callable[[], Awaitable[Sequence[Entry] | None]]
"""Reads the records again; None where nothing can have happened."""
AGAIN_EVERY = 1.0


class ConsoleRows(RowList, can_focus=False):
    """What happened. The search line keeps the focus and moves the cursor here."""

    LIT = True


class Console(Dialog[None]):
    """What happened in a session, newest first; typing searches, enter shows all of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("console.read", "enter", "read", "read", "All of it, with secrets as dots"),
        bind("console.request", "ctrl+r", "request", "next request", "What the next request would carry"),
        bind("dialog.up", "up", "move(-1)", "up", "The line above", show=False),
        bind("dialog.down", "down", "move(1)", "down", "The line below", show=False),
        bind("dialog.cancel", "escape", "close", "close", "Close the console"),
    ]
    ABOUT = "What happened in this session, the newest first. Typing searches, enter shows all of a record."

    def __init__(
        self, title: str, entries: Sequence[Entry], request: Callable[[], Awaitable[str]], again: Again | None = None
    ) -> None:
        super().__init__()
        self._title, self._entries, self._request, self._again = title, entries, request, again

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="page") as box:
            box.border_title = Content(clean_line(f"Console of {self._title}"))
            yield LineInput(placeholder="type to search", id="words")
            yield ConsoleRows(empty="nothing fits")

    def on_mount(self) -> None:
        self.query_one(ConsoleRows).styles.height = "1fr"
        self._show("")
        self.query_one(LineInput).focus()
        self.set_interval(AGAIN_EVERY, self._look)

    @work(exclusive=True, group="watch")
    async def _look(self) -> None:
        """Show what happened since; the cursor stays on its record."""
        found = await self._again() if self._again is not None else None
        if found is not None and found != self._entries:
            self._entries = found
            self._show(self.query_one(LineInput).value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._show(event.value)

    def _show(self, words: str) -> None:
        wanted = words.lower().split()
        rows = [
            _row(len(self._entries) - number, one)
            for number, one in enumerate(self._entries)
            if all(word in f"{one.kind} {one.about} {one.detail}".lower() for word in wanted)
        ]
        self.query_one(ConsoleRows).put(rows)

    @on(Input.Submitted)
    def action_read(self) -> None:
        """Show all of what the cursor is on."""
        row = self.query_one(ConsoleRows).row
        if row is not None:
            one = self._entries[len(self._entries) - int(row.id)]
            self.app.push_screen(Sheet(f"{one.kind} {one.at:%H:%M:%S}", as_json(one.detail)))

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_read()

    @work(exclusive=True)
    async def action_request(self) -> None:
        """Show what the next request would carry."""
        try:
            text = await self._request()
        except WorkbenchError as error:
            text = str(error)
        self.app.push_screen(Sheet("The next request", as_json(text)))

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self.query_one(ConsoleRows).action_move(step)

    def action_close(self) -> None:
        """Close the console."""
        self.dismiss(None)


def _row(number: int, one: Entry) -> Row:
    """Make the row of a record; they are numbered from the oldest, so that new ones change no other's number."""
    kind = (f"{clean_line(one.kind, 20):<20} ", "bad" if one.failed else "strong")
    return Row(str(number), [(f"{one.at:%H:%M:%S} ", "muted"), kind, (clean_line(one.about), "")])


def as_json(text: str) -> Callable[[int], list[Line]]:
    """Return the layout of a JSON text."""
    return lambda width: code_lines(clean(text), "json", width)
