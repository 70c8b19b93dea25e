"""Panels that say what was used and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent_workbench.frontends.tui.screens.console import Again, Console
from agent_workbench.frontends.tui.screens.sheet import Sheet
from agent_workbench.frontends.tui.screens.usage import usage_layout
from agent_workbench.frontends.tui.widgets.pane_grid import SessionPane
from agent_workbench.services.accounts import accounts
from agent_workbench.services.console import Entry, entries, next_request, one_line
from agent_workbench.services.shared import SharedContext

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen


class Reports:
    """Opens panels. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared

    async def usage(self) -> None:
        """Show what was used."""
        found = await accounts(self._shared)
        await self._screen.app.push_screen_wait(Sheet("Usage", usage_layout(found, words=self._screen.parts.linear)))

    async def console(self, pane: SessionPane) -> None:
        """Show what happened in a pane's session."""
        id = pane.session_id
        found = await entries(self._shared, id)
        title = one_line(pane.session_title) or "new session"  # a prompt that held a key made the title
        console = Console(title, found, lambda: next_request(self._shared, id), self._again(id))
        await self._screen.app.push_screen_wait(console)

    def _again(self, id: str) -> Again:
        """Return what reads a session's records while something runs in it, and once after that."""
        ran = True

        async def read() -> Sequence[Entry] | None:
            nonlocal ran
            before, ran = ran, self._shared.sessions.is_running(id)
            return await entries(self._shared, id) if ran or before else None

        return read
