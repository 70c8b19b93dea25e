"""The settings: what holds, where it comes from, and the way to change it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList


class Settings(Dialog[None]):
    """Enter changes the setting under the cursor. Escape closes; nothing is to be saved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.cancel", "escape,q,f12", "close", "close", "Close the settings"),
        bind("settings.change", "space", "change", "change", "Change the setting", show=False),
    ]
    WORDS: ClassVar[Mapping[str, str]] = {"list.choose": "change"}
    ABOUT = "What holds, and where it comes from. Enter changes the setting under the cursor."

    def __init__(self, rows: Callable[[], Awaitable[Sequence[Row]]], change: Callable[[str], Awaitable[None]]) -> None:
        super().__init__()
        self._rows = rows
        self._change = change

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="wide") as box:
            box.border_title = "Settings"
            yield Static("What holds, and at the right where it comes from.", classes="note")
            yield RowList()

    async def on_mount(self) -> None:
        await self._show()
        self.query_one(RowList).focus()

    async def _show(self) -> None:
        rows = self.query_one(RowList)
        found = await self._rows()
        rows.styles.height = min(20, max(1, len(found)))
        rows.put(found)

    @on(RowList.Chosen)
    @work(exclusive=True)
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self._change(event.row.id)
        if self.is_attached:
            await self._show()

    def action_change(self) -> None:
        """Change the setting under the cursor."""
        self.query_one(RowList).action_choose()

    def action_close(self) -> None:
        """Close the settings."""
        self.dismiss(None)
