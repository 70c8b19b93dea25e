"""Sessions as a person handles them: create, send, stream, steer, answer, stop, fork."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit
from agent_workbench.conversation.events import Answer, Event, Question
from agent_workbench.conversation.messages import Image, Message, Text, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.ports import Frontend
from agent_workbench.errors import NotFound, UsageError
from agent_workbench.services.agents import Agents
from agent_workbench.services.compacting import CompactingCalls
from agent_workbench.services.hub import Following, Hub
from agent_workbench.services.outcome import Outcome
from agent_workbench.services.permissions import permissions_of
from agent_workbench.services.questions import Questions
from agent_workbench.services.recorder import LEASE_S
from agent_workbench.services.settings import check, settings_up_to
from agent_workbench.services.turns import TurnRunner
from agent_workbench.services.watcher import Changed, Watcher
from agent_workbench.storage.ports import Store
from agent_workbench.storage.records import (
    Config,
    DayUsage,
    Hit,
    Page,
    Said,
    Session,
    SessionStatus,
    StoredMessage,
    Turn,
)

#: How many of the newest sessions that belong to another are looked through for the one of a call.
CHILDREN = 200


class SessionManager(CompactingCalls):
    """Sessions over one store and the shared agents. Made for one event loop."""

    def __init__(self, store: Store, agents: Agents, *, workspace: Path, lease_s: float = LEASE_S) -> None:
        super().__init__(store, agents, Hub())
        self._runner = TurnRunner(store.sessions, agents, self._hub, lease_s=lease_s)
        self._watcher = Watcher(store, self._hub, self._runner.is_here)
        self._workspace = workspace.resolve()

    # --- CRUD

    async def create_session(
        self,
        config_id: str,
        *,
        title: str = "",
        user_id: str = "",
        workspace: Path | None = None,
        pinned_revision: int | None = None,
        tags: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        messages: Sequence[Message] = (),
    ) -> Session:
        """Start a session of a config, with what was said elsewhere before. Never contacts the provider.

        Raises:
            NotFound: If there is no such config or revision.
            InvalidBundle: If the config cannot run; `problems` names all that is wrong.
            UsageError: If a setting means nothing (see `change_settings`).
        """
        folder = workspace.resolve() if workspace else self._workspace
        agent, _ = await self._agents.of(config_id, pinned_revision, folder)
        check(settings or {}, providers=[provider.id for provider in agent.providers])
        return await asyncio.to_thread(
            self._store.sessions.create,
            config_id,
            title=title,
            user_id=user_id,
            workspace=str(folder),
            pinned_revision=pinned_revision,
            tags=tags,
            settings=settings,
            messages=messages,
        )

    async def get_session(self, session_id: str) -> Session | None:
        """Return a session, or None."""
        return await asyncio.to_thread(self._store.sessions.get, session_id)

    async def find_session(self, reference: str) -> Session:
        """Return the session of an id, or `last` for the newest of this workspace that no agent started.

        Raises:
            NotFound: If there is none.
        """
        if reference == "last":
            newest = await self._newest()
            if newest is None:
                raise NotFound("no session was started in this folder; `awb session list` shows those of others")
            return newest
        session = await self.get_session(reference)
        if session is None:
            raise NotFound(f"there is no session {reference!r}; `awb session list` shows them")
        return session

    async def _newest(self) -> Session | None:
        """Return the newest session of this workspace that a person started, not an agent."""
        folder, offset = str(self._workspace), 0
        while True:
            found, _ = await self.list_sessions(offset=offset, workspace=folder)
            for one in found:
                if one.workspace != folder:  # those of other folders come behind
                    return None
                if not one.settings.get("agent"):
                    return one
            if not found:
                return None
            offset += len(found)

    async def list_sessions(
        self,
        limit: int = 50,
        offset: int = 0,
        *,
        config_id: str = "",
        status: str = "",
        q: str = "",
        workspace: str = "",
        parent_session_id: str | None = None,
    ) -> tuple[list[Session], int]:
        """Return a page of sessions, newest first (those of `workspace` before others), and the total.

        With a `parent_session_id` only its forks and those of the agents that worked for it.
        """
        found, total = await asyncio.to_thread(
            self._store.sessions.list_sessions,
            Page(limit, offset),
            config_id=config_id,
            status=status,
            q=q,
            workspace=workspace,
            parent_session_id=parent_session_id,
        )
        return list(found), total

    async def child_of(self, session_id: str, call_id: str) -> Session | None:
        """Return the session of the agent that works, or worked, in a tool call; None where that call began none."""
        found, _ = await self.list_sessions(CHILDREN, parent_session_id=session_id)
        return next((one for one in found if one.tags.get("call") == call_id), None)

    async def agents_of(self, session_id: str) -> list[Session]:
        """Return the sessions of the agents that worked for one; not those below them, and no forks."""
        agents: list[Session] = []
        offset, total = 0, 1
        while offset < total:
            found, total = await self.list_sessions(CHILDREN, offset, parent_session_id=session_id)
            agents += [one for one in found if one.settings.get("agent") and one.settings.get("depth")]
            offset += CHILDREN
        return agents

    async def hits(self, q: str, session_ids: Sequence[str]) -> Mapping[str, Hit]:
        """Return where words were said: of each of these sessions the newest message that holds them all, if any."""
        return await asyncio.to_thread(self._store.sessions.hits, q, session_ids)

    async def said(self, *, limit: int = 300) -> Sequence[Said]:
        """Return what people said in all sessions, newest first; not what agents were told, nor what is over 100 kB."""
        return await asyncio.to_thread(self._store.sessions.said, limit=limit)

    async def resume_session(self, session_id: str) -> Session | None:
        """Make a session active again, None where there is none; its next message goes on from its history."""
        try:
            return await asyncio.to_thread(self._store.sessions.update, session_id, status="active")
        except NotFound:
            return None

    async def update_session(
        self,
        session_id: str,
        *,
        title: str | None = None,
        status: SessionStatus | None = None,
        draft: str | None = None,
        tags: Mapping[str, str] | None = None,
        pinned_revision: int | None = None,
        unpin: bool = False,
    ) -> Session:
        """Change what is given; `unpin` lets it follow its config again. What it runs with is `change_settings`.

        Raises:
            NotFound: If there is no such session, or its config has no such revision.
        """
        return await asyncio.to_thread(
            self._store.sessions.update,
            session_id,
            title=title,
            status=status,
            draft=draft,
            tags=tags,
            pinned_revision=pinned_revision,
            unpin=unpin,
        )

    async def delete_session(self, session_id: str) -> bool:
        """Stop a session and delete it with its messages and its agents' sessions; False where there was none.

        Forks of it stay.
        """
        await self.cancel(session_id)
        for one in await self.agents_of(session_id):
            await self.delete_session(one.session_id)
        return await asyncio.to_thread(self._store.sessions.delete, session_id)

    async def fork_session(
        self, session_id: str, *, up_to: int | None = None, title: str = "", grants: bool = False
    ) -> Session:
        """Start a new session with this one's messages (those with `seq <= up_to`) and settings.

        What was allowed for the session is not allowed in the new one, unless it takes its place (`grants`).
        """
        left_out = ("depth",) if grants else ("depth", "grants")
        session = await self._require(session_id)
        settings = {name: value for name, value in session.settings.items() if name not in left_out}
        stored = await self.messages(session_id)
        kept = tuple(one.message for one in stored if up_to is None or one.seq <= up_to)
        return await asyncio.to_thread(
            self._store.sessions.create,
            session.config_id,
            title=title or (f"{session.title} (fork)" if session.title else ""),
            user_id=session.user_id,
            workspace=session.workspace,
            parent_session_id=session_id,
            pinned_revision=session.pinned_revision,
            tags=session.tags,
            settings=settings_up_to(settings, len(kept)),
            messages=kept,
        )

    # --- what was said

    async def messages(self, session_id: str, *, after: int = 0) -> Sequence[StoredMessage]:
        """Return the messages in order, those with `seq > after`."""
        return await asyncio.to_thread(self._store.sessions.messages, session_id, after=after)

    async def partial(self, session_id: str) -> Message | None:
        """Return the reply that is being streamed, as far as it is stored."""
        return await asyncio.to_thread(self._store.sessions.partial, session_id)

    async def transcript(self, session_id: str) -> list[dict[str, Any]]:
        """Return the messages as a JSON array."""
        return await asyncio.to_thread(self._store.sessions.transcript, session_id)

    async def turns(self, session_id: str) -> Sequence[Turn]:
        """Return the turns in order."""
        return await asyncio.to_thread(self._store.sessions.turns, session_id)

    async def usage(self, *, session_id: str = "", config_id: str = "", since: datetime | None = None) -> Usage:
        """Sum what a session, a config or everything used, in turns that started at `since` or later.

        `turns` has the usage of each turn; what is unknown stays None.
        """
        return await asyncio.to_thread(
            self._store.sessions.usage, session_id=session_id, config_id=config_id, since=since
        )

    async def usage_by_day(
        self, *, session_id: str = "", config_id: str = "", since: datetime | None = None
    ) -> Sequence[DayUsage]:
        """Return what was used on each day (UTC) that had a turn, oldest first."""
        return await asyncio.to_thread(
            self._store.sessions.usage_by_day, session_id=session_id, config_id=config_id, since=since
        )

    # --- turns

    async def send_message(
        self,
        session_id: str,
        message: str | Message,
        *,
        context: Mapping[str, Any] | None = None,
        frontend: Frontend | None = None,
    ) -> dict[str, Any]:
        """Run a turn to its end and return `{session_id, response, status, metadata}`.

        `status` is the turn's; `metadata` holds config_id, revision, model, usage, duration_s and error.
        Raises as `stream_message`.
        """
        session = await self._require(session_id)
        outcome = Outcome()
        async with aclosing(self.stream_message(session_id, message, context=context, frontend=frontend)) as events:
            async for event in events:
                outcome.take(event)
        metadata = outcome.metadata(session.config_id)
        status = outcome.finished.status
        return {"session_id": session_id, "response": outcome.response, "status": status, "metadata": metadata}

    def stream_message(
        self,
        session_id: str,
        message: str | Message,
        *,
        context: Mapping[str, Any] | None = None,
        frontend: Frontend | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Run a turn and yield its events, each after it was stored; the last is `TurnFinished`.

        Closing the iterator cancels the turn. `context` is shown to the model before the message, as JSON.
        Without a `frontend`, permission questions wait for `answer`.

        Raises:
            UsageError: If the message is empty.
            NotFound: If there is no such session.
            SessionBusy: If a turn runs in it, here or in another process.
            InvalidBundle: If its config cannot run now.
        """
        return self._runner.stream(session_id, as_message(message, context), frontend)

    def start(self, session_id: str, message: str | Message) -> None:
        """Run a turn in the background, whoever is looking; `follow` shows it, failures too.

        Where another process runs a turn in the session, the message waits for that to end.

        Raises:
            UsageError: If the message is empty.
            SessionBusy: If this process runs a turn in the session.
        """
        self._runner.start(session_id, as_message(message, None))

    def queue(self, session_id: str, message: str | Message) -> None:
        """Run a turn when the running one is over; at once where none is."""
        self._runner.queue(session_id, as_message(message, None))

    def steer(self, session_id: str, message: str | Message) -> None:
        """Say something into the running turn, between two of its steps; a turn of its own where none runs."""
        self._runner.steer(session_id, as_message(message, None))

    async def cancel(self, session_id: str) -> bool:
        """Stop the turn that this process runs, whoever started it, and wait until it is stored; False where none runs.

        What waits behind it is not sent: it goes to the session's draft, with a `Notice` whose data has it as `unsent`.
        """
        return await self._runner.cancel(session_id)

    def is_running(self, session_id: str) -> bool:
        """Whether this process runs a turn in the session."""
        return self._runner.is_running(session_id)

    def waiting(self, session_id: str) -> tuple[Message, ...]:
        """Return what is queued behind the running turn."""
        return self._runner.waiting(session_id)

    def steering(self, session_id: str) -> tuple[Message, ...]:
        """Return what waits to be said at the next step of the running turn."""
        return self._runner.steering(session_id)

    def take_back(self, session_id: str, message: Message | None = None) -> Message | None:
        """Take back a message that waits, else the newest that does (queued, or else steered); None where none is."""
        return self._runner.take_back(session_id, message)

    def questions(self, session_id: str) -> tuple[Question, ...]:
        """Return the permission questions that wait for an answer, oldest first."""
        return self._runner.questions(session_id)

    def answer(self, session_id: str, question_id: str, answer: Answer) -> bool:
        """Answer a permission question; False where it does not wait any more."""
        return self._runner.answer(session_id, question_id, answer)

    async def apply_grant(self, config: Config, edit: Edit) -> Config:
        """Save the edit that `propose_grant` returned, and answer what waits in sessions that follow the config."""
        saved = await super().apply_grant(config, edit)
        allowed = permissions_of(Document(saved.yaml_content).data).get("allow") or []
        for session_id in self._runner.asking():
            session = await self.get_session(session_id)
            if session is not None and session.config_id == saved.config_id and session.pinned_revision is None:
                self._runner.cover(session_id, allowed, f"allowed for all sessions of {saved.name} now")
        return saved

    def follow(self, session_id: str) -> Following:
        """Yield what happens in a session from the moment of this call, whoever makes it happen.

        What another process does comes as it stores it: messages and tools within half a second, a reply being
        streamed four times a second. Its permission questions are notices: they are answered there.
        """
        session = self._store.sessions.get(session_id)  # 0.1 ms: what is stored from here on will be told
        following = self._hub.follow(session_id, seen=session.message_count if session else 0)
        self._watcher.look()
        return following

    def asking_beside(self, session_id: str, questions: Questions) -> AbstractContextManager[None]:
        """Let the questions of what holds a session in place of a turn be seen and answered like those of a turn."""
        return self._runner.asking_beside(session_id, questions)

    def own(self, session_id: str) -> AbstractContextManager[None]:
        """Tell followers nothing from the store meanwhile: whoever does something besides turns shows it himself."""
        return self._watcher.own(session_id)

    def watch(self) -> AsyncGenerator[Changed, None]:
        """Yield which sessions and configs changed, whoever changed them, at most twice a second, until closed."""
        return self._watcher.watch()

    async def close(self) -> None:
        """Stop all turns and wait until they are stored."""
        await self._runner.close()
        self._hub.close()
        await self._watcher.close()


def as_message(message: str | Message, context: Mapping[str, Any] | None = None) -> Message:
    """Return what a person says as a message, with `context` before it as JSON.

    Raises:
        UsageError: If it is empty.
    """
    said = user(message) if isinstance(message, str) else message
    if not said.text.strip() and not any(isinstance(part, Image) for part in said.parts):
        raise UsageError("the message is empty")
    if context:
        about = Text(f"<context>\n{json.dumps(dict(context), ensure_ascii=False, default=str)}\n</context>\n\n")
        said = replace(said, parts=(about, *said.parts))
    return said
