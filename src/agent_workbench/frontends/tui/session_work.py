"""What is done with sessions: show them in panes, pass on what is said, follow what happens.

Turns run in the session manager, whoever looks. Here is one follower for each session that a pane shows or that runs:
it hands events to the panes of that session. Closing a pane therefore stops nothing.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import (
    ApprovalAnswered,
    ApprovalRequired,
    Event,
    Notice,
    TextDelta,
    TurnFinished,
    TurnStarted,
    UserSaid,
)
from agent_workbench.engine.permissions import MODES
from agent_workbench.errors import ConfigError, WorkbenchError
from agent_workbench.frontends.tui.attention import call
from agent_workbench.frontends.tui.commands import BY_SLASH
from agent_workbench.frontends.tui.missing_keys import ask_keys, wanted
from agent_workbench.frontends.tui.talk import written
from agent_workbench.frontends.tui.widgets.offers import Offer
from agent_workbench.frontends.tui.widgets.pane_grid import MOST, PaneGrid, SessionPane
from agent_workbench.frontends.tui.widgets.session_list import SessionList
from agent_workbench.paths import brief
from agent_workbench.services.filling import filling
from agent_workbench.services.hub import Following
from agent_workbench.services.notices import notices
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Session

if TYPE_CHECKING:
    from textual.worker import Worker, WorkType

    from agent_workbench.frontends.tui.screens.main import MainScreen


class SessionWork:
    """The sessions on the screen. `changed` is called when the list must be read anew."""

    def __init__(self, screen: MainScreen, shared: SharedContext, changed: Callable[[], Awaitable[None]]) -> None:
        self._screen = screen
        self._shared = shared
        self._changed = changed
        self._followers: dict[str, Worker[None]] = {}
        self.unread: set[str] = set()

    @property
    def grid(self) -> PaneGrid:
        """Where the panes are."""
        return self._screen.query_one(PaneGrid)

    @property
    def asking(self) -> set[str]:
        """The sessions in which a question waits: of a followed turn, or of a command that the person runs."""
        return {id for id in self._followers if self._shared.sessions.questions(id)}

    @property
    def running(self) -> set[str]:
        """The followed sessions in which a turn runs."""
        return {id for id in self._followers if self._shared.sessions.is_running(id)}

    # --- panes

    async def start(self, config_id: str, *, title: str = "") -> Session | None:
        """Start a session of a config; None, with the reason told, where it cannot run. Keys it needs are asked for."""
        try:
            return await self._shared.sessions.create_session(config_id, title=title)
        except ConfigError as error:
            if await ask_keys(self._screen, wanted(error.problems)):
                return await self.start(config_id, title=title)
            first = f"{error.problems[0].message}" if error.problems else str(error)
            self._screen.tell(first, title=error.title, severity="error")
            await self._screen.show_problems()
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
        return None

    async def open(self, session_id: str, *, beside: bool = False, focus: bool = True) -> None:
        """Show a session: where it is shown already, else in place of the active pane, or beside it."""
        grid = self.grid
        shown = grid.showing(session_id)
        if shown and not beside:
            grid.activate(shown[0], focus=focus)
            return
        session = await self._shared.sessions.get_session(session_id)
        if session is None:
            self._screen.tell("That session is gone.", severity="warning")
            await self._changed()
            return
        replaced = self._replaced(beside=beside)
        if replaced is not None:
            await self.keep_prompt(replaced)
        pane = SessionPane(
            session_id,
            number=replaced.number if replaced is not None else len(grid.panes) + 1,
            title=session.title,
            model=str(session.settings.get("model", "")),
            mode=str(session.settings.get("permission_mode") or "ask"),
        )
        pane.prompt.commands = [Offer(f"/{name}", BY_SLASH[name].help) for name in sorted(BY_SLASH)]
        await grid.add(pane, replace=replaced)
        pane.set_folder(brief(Path(session.workspace or self._shared.workspace)))
        pane.prompt.draft = pane.kept = session.draft
        pane.set_title(pinned=session.pinned_revision or 0)
        if not focus:
            self._screen.set_focus(None)
        self.unread.discard(session_id)
        self._stop_unneeded()
        await self._fill(pane)
        await self._show_origins()
        await self._changed()
        self._screen.query_one(SessionList).entries.go_to(session_id)

    def _replaced(self, *, beside: bool) -> SessionPane | None:
        """Return the pane that makes room for another, None where there is room; one that nobody pointed at is told."""
        grid = self.grid
        if not beside:
            return grid.active
        if len(grid.panes) < MOST:
            return None
        pane = grid.yielding()
        title = clean_line(pane.session_title, 30) or "a new session"
        goes_on = " and goes on" if pane.busy else ""
        self._screen.tell(f"{MOST} panes fit: {title} in pane {pane.number} made room{goes_on}; F3 brings it back.")
        return pane

    async def open_child(self, pane: SessionPane, session_id: str, call_id: str) -> None:
        """Show the session of an agent that works for a pane's session beside it, also while it works."""
        if not (session_id or call_id):
            self._screen.tell("No agent was called in this session.")
            return
        if not session_id:
            child = await self._shared.sessions.child_of(pane.session_id, call_id)
            if child is None:
                self._screen.tell("That agent has no session yet.")
                return
            session_id = child.session_id
        await self.open(session_id, beside=not self.grid.showing(session_id))

    async def _fill(self, pane: SessionPane) -> None:
        """Show what was said, what is being said, and what is asked; then follow."""
        id, sessions = pane.session_id, self._shared.sessions
        stream = sessions.follow(id)
        first = asyncio.ensure_future(anext(stream, None))
        await asyncio.sleep(0)  # the follower is registered now: nothing that happens from here on is missed
        stored = await sessions.messages(id)
        messages = [one.message for one in stored]
        times = [one.created_at for one in stored]
        told = await notices(self._shared, id)
        pane.load(messages, [(bisect_right(times, one.at), one.notice) for one in told])
        pane.seen = stored[-1].seq if stored else 0
        pane.prompt.sent = [words for said in messages if said.role == "user" and (words := written(said))]
        pane.set_meter(await sessions.usage(session_id=id))
        self._remeasure(id)
        if sessions.is_running(id):
            pane.set_state("waiting")
            streamed = await sessions.partial(id)
            if streamed is not None and streamed.text:
                pane.show(TextDelta(streamed.text))
        for question in sessions.questions(id):
            pane.show(ApprovalRequired(question))
        if id in self._followers:
            first.cancel()
            return
        follow = self._follow(id, first, stream, {one.key for one in told})
        self._followers[id] = self._screen.app.run_worker(follow, group="follow", exit_on_error=False)

    async def _follow(self, id: str, first: asyncio.Future[Event | None], stream: Following, told: set[str]) -> None:
        """Hand events to the panes of a session, but those that were stored, and read, before they were published.

        Messages are known by their place, notices and the ends of turns (`told`) by the id that they are stored under.
        """
        event = await first
        while event is not None:
            for pane in self.grid.showing(id):
                if stream.key in told:
                    pane.show_told(event)
                elif not 0 < stream.seq <= pane.seen:
                    pane.show(event)
            await self.note(id, event)
            event = await anext(stream, None)

    def _remeasure(self, id: str) -> None:
        measure: WorkType[None] = partial(self._measure, id)
        self._screen.run_worker(measure, group="measure")

    async def _measure(self, id: str) -> None:
        """Show how full the context of a session is, and what it used."""
        used = await self._shared.sessions.usage(session_id=id)
        full = await filling(self._shared, id)
        for pane in self.grid.showing(id):
            pane.set_meter(used, context_tokens=full.tokens, context_window=full.window)
            pane.set_origin(await self._origin(id))

    async def _origin(self, id: str) -> str:
        """Return config, revision and model of a session, where several panes stand side by side."""
        session = await self._shared.sessions.get_session(id)
        if session is None or len(self.grid.panes) < 2:
            return ""
        try:
            config = await self._shared.sessions.effective(id)
        except WorkbenchError:  # the config has errors by now: its own screen says which
            return session.config_name
        return " · ".join(filter(None, (f"{session.config_name} {config.revision}", config.model_name)))

    async def _show_origins(self) -> None:
        """Say in each pane what it runs with, where there are several."""
        for pane in self.grid.panes:
            pane.set_origin(await self._origin(pane.session_id))

    async def note(self, id: str, event: Event) -> None:
        """Bring the list and titles up to date when a session begins, ends, asks or is answered."""
        match event:
            case UserSaid():
                self._screen.chats.talk.show_waiting(id)
            case TurnStarted():
                await self._show_name(id)
                await self._changed()
            case ApprovalAnswered():
                await self._changed()
            case Notice(data=data) if data.get("unsent"):
                self._take_back(id, data["unsent"])
            case ApprovalRequired():
                await self._changed()
                if not self.grid.showing(id):
                    name = clean_line(await self._name(id), 30) or "A session"
                    self._screen.tell(f"{name} needs you; /who-waits goes there.", severity="warning")
                    self._screen.app.bell()
                call(self._screen.app, f"{await self._name(id)} needs you: may it run {event.question.call.name}?")
            case TurnFinished():
                if not self.grid.showing(id):
                    self.unread.add(id)
                self._screen.chats.talk.show_waiting(id)
                name = await self._show_name(id)
                self._remeasure(id)
                how = "done" if event.status == "completed" else event.status
                call(self._screen.app, f"{name or 'A session'} is {how}")
                self._screen.call_later(self._changed)
            case _:
                pass

    def _take_back(self, id: str, texts: Sequence[str]) -> None:
        """Put what was not sent into the prompt of the session, before what is written there."""
        for pane in self.grid.showing(id)[:1]:
            pane.prompt.draft = "\n\n".join(filter(None, (*texts, pane.prompt.draft)))

    async def _show_name(self, id: str) -> str:
        name = await self._name(id)
        for pane in self.grid.showing(id):
            pane.set_title(name or None)
        return name

    async def _name(self, id: str) -> str:
        session = await self._shared.sessions.get_session(id)
        return session.title if session is not None else ""

    async def close(self, pane: SessionPane) -> None:
        """Take a pane away; what is written in its prompt is kept with the session."""
        await self.keep_prompt(pane)
        await self.grid.close(pane)
        self._stop_unneeded()
        await self._show_origins()
        await self._changed()

    async def keep_prompt(self, pane: SessionPane) -> None:
        """Keep what is written with the session, where it was changed here."""
        draft = pane.prompt.draft
        if draft == pane.kept:
            return
        with suppress(WorkbenchError):  # the session may be deleted by now
            await self._shared.sessions.update_session(pane.session_id, draft=draft)
            pane.kept = draft

    async def keep_prompts(self) -> None:
        """Keep what is written in all prompts."""
        for pane in self.grid.panes:
            await self.keep_prompt(pane)

    def _stop_unneeded(self) -> None:
        """Stop following sessions that no pane shows and in which nothing runs."""
        for id in [one for one in self._followers if not self.grid.showing(one)]:
            if not self._shared.sessions.is_running(id):
                self._followers.pop(id).cancel()

    # --- what is said

    async def stop(self, pane: SessionPane) -> None:
        """Stop the running command, else the running turn."""
        if not await self._screen.chats.talk.stop(pane.session_id):
            await self._shared.sessions.cancel(pane.session_id)

    # --- a session's own settings

    async def set(self, pane: SessionPane, **settings: Any) -> None:
        """Change settings of a pane's session; they hold from its next step."""
        try:
            await self._shared.sessions.change_settings(pane.session_id, **settings)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
            return
        for one in self.grid.showing(pane.session_id):
            one.set_title(model=settings.get("model"), mode=settings.get("permission_mode"))
        await self._show_origins()

    async def next_mode(self, pane: SessionPane) -> None:
        """Take the next permission mode."""
        modes: tuple[str, ...] = MODES
        index = modes.index(pane.mode) if pane.mode in modes else -1
        await self.set(pane, permission_mode=modes[(index + 1) % len(modes)])

    async def models(self, pane: SessionPane) -> dict[str, dict[str, str]]:
        """Return the models that a pane's session can choose from, each with the settings that choose it.

        All providers of its config are asked. Where there are several, a model is named with its provider.
        """
        session = await self._shared.sessions.get_session(pane.session_id)
        if session is None:
            return {}
        agent, _ = await self._shared.agents.of(session.config_id, session.pinned_revision, self._shared.workspace)
        several = len(agent.providers) > 1
        found: dict[str, dict[str, str]] = {}
        for provider in agent.providers:
            chosen = {"provider": provider.id} if several else {}
            try:
                names = await provider.models()
            except WorkbenchError as error:
                self._screen.tell(str(error), title=error.title, severity="warning")
                continue
            for name in dict.fromkeys((provider.default_model, *names) if several else names):
                found[f"{name} · {provider.id}" if several else name] = {**chosen, "model": name}
        return found

    async def fork(self, pane: SessionPane, *, messages: int | None = None) -> None:
        """Go on from a pane's session in one of its own, beside it; `messages` says how many it begins with."""
        forked = await self._shared.sessions.fork_session(pane.session_id, up_to=messages)
        await self.open(forked.session_id, beside=True)
