"""The settings: what holds, where it comes from, what it means, and the way to change it and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from agent_workbench.conversation.clean import clean
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList

Change = Callable[[str], Awaitable[None]]


class Settings(Dialog[None]):
    """Enter changes the setting under the cursor, r puts back its default. Escape closes; nothing is to be saved.

    `rows` gives a row for each setting, `told` what one means, by the id of its row.
    """

    DEFAULT_CSS = """
    Settings #told { height: 2; margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.cancel", "escape,q,f12", "close", "close", "Close the settings"),
        bind("settings.change", "space", "change", "change", "Change the setting", show=False),
        bind("settings.reset", "r,delete", "reset", "reset", "Put back the setting's default"),
    ]
    WORDS: ClassVar[Mapping[str, str]] = {"list.choose": "change"}
    ABOUT = "What holds, and where it comes from. Enter changes the setting under the cursor, r puts back its default."

    def __init__(
        self,
        rows: Callable[[], Awaitable[Sequence[Row]]],
        change: Change,
        reset: Change,
        told: Callable[[str], str],
    ) -> None:
        super().__init__()
        self._rows = rows
        self._change_one = change
        self._reset_one = reset
        self._told = told

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="wide") as box:
            box.border_title = "Settings"
            yield Static("What holds, and at the right where it comes from.", classes="note")
            yield RowList()
            yield Static(id="told", markup=False)

    async def on_mount(self) -> None:
        await self._show()
        self.query_one(RowList).focus()

    async def _show(self) -> None:
        rows = self.query_one(RowList)
        found = await self._rows()
        rows.styles.height = min(18, max(1, len(found)))
        rows.put(found)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        told = self._told(event.row.id) if event.row is not None else ""
        self.query_one("#told", Static).update(clean(told))

    @on(RowList.Chosen)
    @work(exclusive=True)
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self._do(self._change_one, event.row.id)

    async def _do(self, what: Change, id: str) -> None:
        await what(id)
        if self.is_attached:
            await self._show()

    def action_change(self) -> None:
        """Change the setting under the cursor."""
        self.query_one(RowList).action_choose()

    @work(exclusive=True)
    async def action_reset(self) -> None:
        """Put back the default of the setting under the cursor."""
        row = self.query_one(RowList).row
        if row is not None:
            await self._do(self._reset_one, row.id)

    def action_close(self) -> None:
        """Close the settings."""
        self.dismiss(None)
