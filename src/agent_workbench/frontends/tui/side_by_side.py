"""What is done with several panes at once: compare their answers, and run a prompt again another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.tui.screens.compare import Compare
from agent_workbench.frontends.tui.screens.pick import Pick, options
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid, SessionPane
from agent_workbench.services.comparing import last_answers
from agent_workbench.services.shared import SharedContext

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen
    from agent_workbench.frontends.tui.talk import Talk


class SideBySide:
    """Works on all panes. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext, talk: Talk) -> None:
        self._screen = screen
        self._shared = shared
        self._talk = talk

    @property
    def _grid(self) -> PaneGrid:
        return self._screen.query_one(PaneGrid)

    # --- comparing

    async def compare(self, pane: SessionPane) -> None:
        """Show the last answers of all panes in one table; the one that is kept stays alone."""
        panes = self._grid.panes
        ids = list(dict.fromkeys(one.session_id for one in panes))
        answers = await last_answers(self._shared.sessions, ids)
        kept = await self._screen.app.push_screen_wait(Compare(answers, ids.index(pane.session_id)))
        if kept is None:
            return
        for one in panes:
            if one.session_id != kept and one.is_attached:
                await self._screen.sessions.close(one)
        self._grid.activate(self._grid.showing(kept)[0])

    async def rerun(self, pane: SessionPane, model: str = "") -> None:
        """Say the last prompt again to another model, in a fork beside this pane."""
        if await self._talk.last_said(pane.session_id) is None:
            self._screen.tell("Nothing was said yet.")
            return
        models = {model: {"model": model}} if model else await self._models(pane)
        picked: str | None = model
        if not model:
            rows = options(*((name, name) for name in models))
            note = "The last prompt goes to it in a new pane."
            picked = await self._screen.app.push_screen_wait(
                Pick("Run again with", rows, note=note, search=True, at=pane.model)
            )
        if not picked:
            return
        await self._again(pane, models[picked])

    async def _models(self, pane: SessionPane) -> dict[str, dict[str, str]]:
        try:
            return await self._screen.sessions.models(pane)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
            return {}

    async def rerun_edited(self, pane: SessionPane) -> None:
        """Say the last prompt again with the config as it is on the desk; this pane stays with its revision."""
        session = await self._shared.sessions.get_session(pane.session_id)
        if session is None:
            return
        config = self._screen.configs.config
        if config is None or config.config_id != session.config_id:
            await self._screen.configs.open(session.config_id)
            self._screen.tell("This is the session's config: edit it, then run again.")
            self._screen.show_view("edit")
            return
        turns = await self._shared.sessions.turns(pane.session_id)
        before = turns[-1].config_revision if turns else config.revision
        if not await self._screen.configs.save(note="to run a prompt again"):
            return
        saved = self._screen.configs.config
        if saved is not None and saved.revision == before:
            self._screen.tell(f"The config is still revision {before}: edit it first.", severity="warning")
            return
        await self._shared.sessions.update_session(pane.session_id, pinned_revision=before)
        pane.set_title(pinned=before)
        await self._again(pane, unpin=True)

    async def _again(
        self, pane: SessionPane, settings: Mapping[str, str] | None = None, *, unpin: bool = False
    ) -> None:
        """Fork before the last prompt, change what the fork runs with, and say the prompt there."""
        found = await self._talk.last_said(pane.session_id)
        if found is None:
            self._screen.tell("Nothing was said yet.")
            return
        before, said = found
        forked = await self._shared.sessions.fork_session(pane.session_id, up_to=before)
        try:
            if settings:
                provider, model = settings.get("provider"), settings.get("model")
                await self._shared.sessions.change_settings(forked.session_id, provider=provider, model=model)
            if unpin:
                await self._shared.sessions.update_session(forked.session_id, unpin=True)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
        await self._screen.sessions.open(forked.session_id, beside=True)
        self._shared.sessions.start(forked.session_id, said)
