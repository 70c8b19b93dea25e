"""Turns: run one in a session, write it down as it happens, ask, steer, queue, stop."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from agent_workbench.configs.plan import Plan
from agent_workbench.conversation.events import (
    Answer,
    ApprovalRequired,
    Event,
    Notice,
    Question,
    TurnFinished,
    TurnStarted,
    UserSaid,
)
from agent_workbench.conversation.messages import Message
from agent_workbench.engine.loop import run_turn
from agent_workbench.engine.ports import Frontend
from agent_workbench.engine.session_config import SessionConfig
from agent_workbench.errors import NotFound, SessionBusy, WorkbenchError
from agent_workbench.services.agents import Agent, Agents
from agent_workbench.services.hub import Hub
from agent_workbench.services.recorder import LEASE_S, Recorder
from agent_workbench.services.settings import SessionSettings, session_config
from agent_workbench.storage.ports import Store
from agent_workbench.storage.records import Session

TITLE_LENGTH = 60
T = TypeVar("T")


@dataclass
class _Running:
    """A turn that this process runs, and what waits for it."""

    task: asyncio.Task[None] | None = None
    questions: dict[str, tuple[Question, asyncio.Future[Answer]]] = field(default_factory=dict)
    steered: list[Message] = field(default_factory=list)
    queued: list[Message] = field(default_factory=list)

    def expect(self, question: Question) -> asyncio.Future[Answer]:
        """Return what will hold the answer to a question, the same for every call about it."""
        call_id = question.call.call_id
        if call_id not in self.questions:
            self.questions[call_id] = (question, asyncio.get_running_loop().create_future())
        return self.questions[call_id][1]


class TurnRunner:
    """Runs turns for one process, one at a time in each session."""

    def __init__(self, store: Store, agents: Agents, hub: Hub) -> None:
        self._store = store
        self._agents = agents
        self._hub = hub
        self._running: dict[str, _Running] = {}
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    # --- start and stop

    async def stream(self, session_id: str, said: Message, frontend: Frontend | None) -> AsyncGenerator[Event, None]:
        """Run a turn and yield its events (see `SessionManager.stream_message`)."""
        running = self._claim(session_id)
        try:
            async with aclosing(self._turn(running, session_id, said, frontend)) as events:
                async for event in events:
                    yield event
        finally:
            self._release(session_id)

    def start(self, session_id: str, said: Message) -> None:
        """Run a turn in a task of its own, then what was queued meanwhile."""
        running = self._claim(session_id)
        running.task = asyncio.create_task(self._run(running, session_id, said), name=f"turn in {session_id}")

    def queue(self, session_id: str, said: Message) -> None:
        """Run a turn after the running one."""
        running = self._running.get(session_id)
        if running is None:
            self.start(session_id, said)
        else:
            running.queued.append(said)

    def steer(self, session_id: str, said: Message) -> None:
        """Say something between two steps of the running turn."""
        running = self._running.get(session_id)
        if running is None:
            self.start(session_id, said)
        else:
            running.steered.append(said)

    async def cancel(self, session_id: str) -> bool:
        """Stop the background turn and what is queued behind it; wait until that is stored."""
        running = self._running.get(session_id)
        if running is None or running.task is None:
            return False
        running.queued.clear()
        running.task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait([running.task])
        return True

    async def close(self) -> None:
        """Stop all background turns."""
        for session_id in tuple(self._running):
            await self.cancel(session_id)

    # --- what the person sees and answers

    def is_running(self, session_id: str) -> bool:
        """Whether a turn runs here."""
        return session_id in self._running

    def waiting(self, session_id: str) -> tuple[Message, ...]:
        """Return what is queued."""
        running = self._running.get(session_id)
        return tuple(running.queued) if running else ()

    def questions(self, session_id: str) -> tuple[Question, ...]:
        """Return the questions that wait."""
        running = self._running.get(session_id)
        return tuple(question for question, _ in running.questions.values()) if running else ()

    def answer(self, session_id: str, call_id: str, answer: Answer) -> bool:
        """Answer a question once."""
        running = self._running.get(session_id)
        waiting = running.questions.get(call_id) if running else None
        if waiting is None or waiting[1].done():
            return False
        waiting[1].set_result(answer)
        return True

    # --- inside

    def _claim(self, session_id: str) -> _Running:
        if session_id in self._running:
            raise SessionBusy(f"a turn is running in session {session_id}: wait, queue the message, or stop it")
        running = self._running[session_id] = _Running()
        return running

    def _release(self, session_id: str) -> None:
        self._running.pop(session_id, None)

    async def _run(self, running: _Running, session_id: str, said: Message) -> None:
        try:
            following: Message | None = said
            while following is not None:
                await self._run_one(running, session_id, following)
                left = running.steered or running.queued
                following = left.pop(0) if left else None
        finally:
            self._release(session_id)

    async def _run_one(self, running: _Running, session_id: str, said: Message) -> None:
        try:
            async with aclosing(self._turn(running, session_id, said, None)) as events:
                async for _ in events:
                    pass
        except WorkbenchError as error:
            self._hub.publish(session_id, TurnFinished("failed", error=str(error), error_kind=error.title))

    async def _turn(
        self, running: _Running, session_id: str, said: Message, frontend: Frontend | None
    ) -> AsyncGenerator[Event, None]:
        begun = await self._begin(session_id, said)
        finished = TurnFinished("failed", error="the turn ended without saying why")
        holding = asyncio.create_task(begun.recorder.hold())
        try:
            async for event in self._events(begun, running, frontend):
                if isinstance(event, TurnFinished):
                    finished = event
                    break
                await begun.recorder.take(event)
                if isinstance(event, ApprovalRequired) and frontend is None:
                    running.expect(event.question)  # before anybody can see it, so that no answer comes too early
                self._hub.publish(session_id, event)
                yield event
        except WorkbenchError as error:
            finished = TurnFinished("failed", error=str(error), error_kind=error.title)
        except (asyncio.CancelledError, GeneratorExit):
            finished = TurnFinished("cancelled")
            raise
        finally:
            holding.cancel()
            finished = await _through(begun.recorder.finish(finished))
            self._hub.publish(session_id, finished)
        yield finished

    async def _begin(self, session_id: str, said: Message) -> _Begun:
        session = await asyncio.to_thread(self._store.sessions.get, session_id)
        if session is None:
            raise NotFound(f"there is no session {session_id}")
        agent, revision = await self._agents.of(
            session.config_id, session.pinned_revision, Path(session.workspace or ".")
        )
        before = await asyncio.to_thread(self._store.sessions.turns, session_id)
        turn_id = uuid.uuid4().hex
        config = session_config(agent, session)
        lease = await asyncio.to_thread(
            self._store.sessions.begin_turn,
            session_id,
            turn_id,
            said,
            owner=self._owner,
            config_revision=revision,
            model=config.model.model or agent.model,
            lease_s=LEASE_S,
        )
        if not session.title:
            title = " ".join(said.text.split())[:TITLE_LENGTH]
            await asyncio.to_thread(self._store.sessions.update, session_id, title=title)
        recorder = Recorder(self._store.sessions, lease, turn_id)
        notice = _followed(before[-1].config_revision if before else revision, revision, agent.plan)
        return _Begun(session, agent, config, recorder, turn_id, revision, said, notice)

    async def _events(self, begun: _Begun, running: _Running, frontend: Frontend | None) -> AsyncGenerator[Event, None]:
        session_id = begun.session.session_id
        yield TurnStarted(begun.turn_id, begun.revision, begun.config.model.model or begun.agent.model)
        yield UserSaid(begun.said)
        if begun.notice:
            yield Notice(begun.notice)
        stored = await asyncio.to_thread(self._store.sessions.messages, session_id)
        asker = frontend or _Asker(self._store, session_id, running)

        async def steer() -> Sequence[Message]:
            taken, running.steered[:] = tuple(running.steered), ()
            return taken

        async def refresh() -> SessionConfig:
            now = await asyncio.to_thread(self._store.sessions.get, session_id)
            return session_config(begun.agent, now or begun.session)

        turn = run_turn(
            [one.message for one in stored],
            begun.config,
            asker,
            turn_id=begun.turn_id,
            steer=steer,
            refresh=refresh,
        )
        async with aclosing(turn) as events:
            async for event in events:
                if not isinstance(event, TurnStarted):
                    yield event


@dataclass(frozen=True)
class _Begun:
    """A turn that holds the lease."""

    session: Session
    agent: Agent
    config: SessionConfig
    recorder: Recorder
    turn_id: str
    revision: int
    said: Message
    notice: str


class _Asker:
    """Waits for an answer from whatever front end looks; what a person allowed for the session is not asked again."""

    def __init__(self, store: Store, session_id: str, running: _Running) -> None:
        self._store = store
        self._session_id = session_id
        self._running = running

    async def ask(self, question: Question) -> Answer:
        waiting = self._running.expect(question)
        try:
            if await self._granted(question):
                return Answer("allow", "allowed for this session before")
            answer = await waiting
        finally:
            del self._running.questions[question.call.call_id]
        if answer.decision == "allow_session":
            await asyncio.to_thread(self._grant, question.rules)
        return answer

    async def _granted(self, question: Question) -> bool:
        session = await asyncio.to_thread(self._store.sessions.get, self._session_id)
        grants = SessionSettings.of(session.settings).grants if session else ()
        return bool(question.rules) and all(rule in grants for rule in question.rules)

    def _grant(self, rules: Sequence[str]) -> None:
        session = self._store.sessions.get(self._session_id)
        if session is not None:
            grants = dict.fromkeys([*SessionSettings.of(session.settings).grants, *rules])
            self._store.sessions.update(self._session_id, settings={**session.settings, "grants": list(grants)})


def _followed(before: int, now: int, plan: Plan) -> str:
    """Say that a session took a saved change of its config."""
    return f"{plan.name}: revision {before} → {now} from here on" if before != now else ""


async def _through(work: Coroutine[Any, Any, T]) -> T:
    """Await something to its end though this task be cancelled meanwhile, and only then be cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
