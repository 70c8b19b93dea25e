"""What is asked of a row of the session list: open, rename, fork, delete, and take the deletion back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.tui.screens.pick import Name
from agent_workbench.frontends.tui.trash import GRACE, Trash
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.session_list import SessionList
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Session

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen


class ListedWork:
    """Works on listed sessions. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared
        self._was_shown: set[str] = set()
        self.trash = Trash(screen)
        """The sessions that are deleted unless somebody takes it back: no list shows them."""

    async def asked(self, what: str, id: str) -> None:
        """Do something with a session of the list."""
        if what == "undo":
            await self.undo()
            return
        session = await self._shared.sessions.get_session(id) if id else None
        if session is None:
            return
        match what:
            case "open":
                await self._open(id)
            case "rename":
                await self._rename(session)
            case "fork":
                forked = await self._shared.sessions.fork_session(id)
                await self._screen.sessions.open(forked.session_id, beside=True)
            case "delete":
                await self._delete(session)
            case _:
                raise AssertionError(f"nothing does {what!r} to a session")
        await self._screen.refresh_lists()

    async def _open(self, id: str) -> None:
        """Show a session; one that was found by what was said in it, at the place where that was said."""
        hit, words = self._screen.overview.hits.get(id), self._screen.query_one(SessionList).words
        self._screen.show_view("chat", focus=False)
        await self._screen.sessions.open(id)
        panes = self._screen.query_one(PaneGrid).showing(id)
        if hit is not None and panes:
            panes[0].show_found(hit.seq - 1, words)

    async def _rename(self, session: Session) -> None:
        title = await self._screen.app.push_screen_wait(Name("Title of the session", session.title))
        if title:
            await self._shared.sessions.update_session(session.session_id, title=title)
            for pane in self._screen.query_one(PaneGrid).showing(session.session_id):
                pane.set_title(title)

    async def _delete(self, session: Session) -> None:
        """Take a session off the screen now, and out of the database when it can no longer be taken back."""
        id = session.session_id
        await self._shared.sessions.cancel(id)
        shown = self._screen.query_one(PaneGrid).showing(id)
        for pane in shown:
            await self._screen.sessions.close(pane)
        if shown:
            self._screen.show_view("sessions")  # closing a pane leads to the next one; the person is in the list
            self._was_shown.add(id)

        async def delete() -> None:
            with suppress(WorkbenchError):  # a full or locked disk: it is listed again, to be deleted again
                await self._shared.sessions.delete_session(id)
            await self._screen.refresh_lists()

        title = clean_line(session.title, 30) or "a new session"
        self.trash.put(id, title, delete)
        self._screen.tell(f"Deleted {title}. u brings it back, for {GRACE:.0f} s.")

    async def attend(self) -> None:
        """Go to the next session that waits for the person, whether or not a pane shows it."""
        grid = self._screen.query_one(PaneGrid)
        waiting, here = self._screen.overview.asking, grid.active.session_id if grid.active is not None else ""
        if not waiting:
            self._screen.tell("No session waits for an answer.")
            return
        id = waiting[(waiting.index(here) + 1) % len(waiting)] if here in waiting else waiting[0]
        self._screen.show_view("chat", focus=False)
        await self._screen.sessions.open(id, beside=not grid.showing(id))

    async def undo(self) -> None:
        """Take the newest deletion back; the person stays where they are, to take back the one before."""
        id, view = self.trash.newest, self._screen.view
        if not id:
            self._screen.tell("Nothing was deleted in the last seconds.")
            return
        title = self.trash.take_back()
        if id in self._was_shown:
            self._was_shown.remove(id)
            await self._screen.sessions.open(id, beside=True, focus=False)
            self._screen.show_view(view)
        await self._screen.refresh_lists()
        self._screen.query_one(SessionList).entries.go_to(id)
        self._screen.tell(f"{title} is back.")
