"""One turn: prepared, written down, run by the engine, closed in every way that it can end."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent_workbench.configs.explain import diff_plans
from agent_workbench.configs.plan import Plan
from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import (
    ApprovalRequired,
    Event,
    Notice,
    Retrying,
    TurnFinished,
    TurnStarted,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, Text
from agent_workbench.engine.loop import run_turn
from agent_workbench.engine.ports import Frontend
from agent_workbench.engine.session_config import SessionConfig
from agent_workbench.errors import NotFound, WorkbenchError
from agent_workbench.services.agents import Agents
from agent_workbench.services.lifecycle import Lifecycle
from agent_workbench.services.log import log_crash, log_event
from agent_workbench.services.mounting import Agent
from agent_workbench.services.partials import Partials
from agent_workbench.services.questions import Anybody, Questions
from agent_workbench.services.recorder import Publish, Recorder
from agent_workbench.services.settings import SessionSettings, session_config
from agent_workbench.services.trust import CODE, in_one_line
from agent_workbench.services.waiting import through
from agent_workbench.services.workspace import ATTACHED
from agent_workbench.storage.ports import SessionStore
from agent_workbench.storage.records import Session, StoredMessage
from agent_workbench.storage.records import Turn as StoredTurn

TITLE_LENGTH = 60
CONTEXT = "<context>\n"
"""How the text that a caller adds to a message begins."""
#: How many of a plan's changes are named in the line that says that a session follows them.
NAMED = 3


@dataclass(frozen=True)
class _Prepared:
    """What a turn runs with."""

    agent: Agent
    revision: int
    config: SessionConfig

    @property
    def model(self) -> str:
        return self.config.model_name or self.agent.model


class Turn:
    """One turn of a session.

    `publish` shows its events, all but the last, which is the result of `run`. `steer` gives what was said in between,
    `lost` is called where another process takes the session over.
    """

    def __init__(
        self,
        store: SessionStore,
        agents: Agents,
        session_id: str,
        said: Message,
        *,
        owner: str,
        lease_s: float,
        questions: Questions,
        publish: Publish,
        lost: Callable[[], None],
        steer: Callable[[], Sequence[Message]],
        lifecycle: Lifecycle,
        partials: Partials,
        frontend: Frontend | None = None,
    ) -> None:
        self._store, self._agents = store, agents
        self._session_id, self._said = session_id, said
        self._owner, self._lease_s = owner, lease_s
        self._questions, self._publish, self._lost, self._steer = questions, publish, lost, steer
        self._lifecycle, self._partials, self._frontend = lifecycle, partials, frontend
        self.turn_id = uuid.uuid4().hex
        self._recorder: Recorder | None = None
        self._stored: Sequence[StoredMessage] = ()
        self.finished: TurnFinished | None = None
        """How it ended; None where it never began, so that what was said is stored nowhere."""

        self.broken = False
        """Whether it ended by an exception that is not one of ours: a front end's, or a mistake in the program."""

    @property
    def unfinished(self) -> Recorder | None:
        """The recorder of a turn whose end could not be stored."""
        return self._recorder if self._recorder is not None and not self._recorder.closed else None

    async def run(self, handed: Callable[[Event], Awaitable[None]]) -> TurnFinished:
        """Run the turn; `handed` is awaited with each event after it was stored and published, before the next.

        Cancelling it closes the turn as cancelled, with all that was said and done so far.

        Raises:
            NotFound: If the session or its config is gone.
            SessionBusy: If another process runs a turn in the session.
            InvalidBundle: If its config cannot run.
        """
        try:
            session = await self._session()
            prepared = await self._prepare(session)
        except asyncio.CancelledError:
            with suppress(WorkbenchError):  # what cannot be stored either is not `finished`
                await through(self.refuse(TurnFinished("cancelled")))
            raise
        end = TurnFinished("failed", error="the program failed while this turn ran")
        self.broken = True
        try:
            with self._agents.using(prepared.agent):
                await through(self._open(session, prepared))
                end = await self._drive(session, prepared, handed)
            self.broken = False
        except asyncio.CancelledError:
            end, self.broken = TurnFinished("cancelled"), False
            if self._recorder is None or not self._recorder.lost:
                raise
            _current().uncancel()  # it was not a person who stopped it: what is queued goes on
        except WorkbenchError as error:
            if self._recorder is None:
                raise
            end, self.broken = TurnFinished("failed", error=str(error), error_kind=error.title), False
        finally:
            crash = sys.exception()
            if self.broken and isinstance(crash, Exception):
                await through(log_crash(crash, **self._about))
            if self._recorder is not None:
                await through(self._finish(end))
        assert self.finished is not None
        return self.finished

    async def refuse(self, end: TurnFinished) -> None:
        """Store a turn that could not begin, so that what was said is kept and why nothing came of it is seen."""
        session = await self._session()
        lease = await asyncio.to_thread(
            self._store.begin_turn,
            self._session_id,
            self.turn_id,
            self._said,
            owner=self._owner,
            config_revision=session.pinned_revision or 0,
            model="",
        )
        await asyncio.to_thread(self._store.end_turn, lease, self.turn_id, end.status, error=end.error)
        stored = await asyncio.to_thread(self._store.messages, self._session_id)
        self._publish(UserSaid(self._said), stored[-1].seq if stored else 0)
        self.finished = end

    # --- inside

    @property
    def _about(self) -> dict[str, Any]:
        return {"session_id": self._session_id, "turn_id": self.turn_id}

    async def _session(self) -> Session:
        session = await asyncio.to_thread(self._store.get, self._session_id)
        if session is None:
            raise NotFound(f"there is no session {self._session_id}")
        return session

    async def _prepare(self, session: Session) -> _Prepared:
        folder = Path(session.workspace or ".")
        role = SessionSettings.of(session.settings).role
        agent, revision = await self._agents.of(session.config_id, session.pinned_revision, folder, role=role)
        return _Prepared(agent, revision, session_config(agent, session, revision=revision))

    async def _open(self, session: Session, prepared: _Prepared) -> None:
        """Take the lease and store what was said; from here on the turn must be closed."""
        lease = await asyncio.to_thread(
            self._store.begin_turn,
            self._session_id,
            self.turn_id,
            self._said,
            owner=self._owner,
            config_revision=prepared.revision,
            model=prepared.model,
            lease_s=self._lease_s,
        )
        recorder = Recorder(self._store, lease, self.turn_id, self._publish, self._partials, lease_s=self._lease_s)
        self._recorder = recorder
        self._stored = await asyncio.to_thread(self._store.messages, self._session_id)
        recorder.seq = self._stored[-1].seq if self._stored else 0
        recorder.keep(self._lost)
        if not session.title:
            title = clean_line(_words(self._said), TITLE_LENGTH)
            await asyncio.to_thread(self._store.update, self._session_id, title=title)

    async def _drive(
        self, session: Session, prepared: _Prepared, handed: Callable[[Event], Awaitable[None]]
    ) -> TurnFinished:
        assert self._recorder is not None
        async with aclosing(self._made(session, prepared)) as events:
            async for event in events:
                if isinstance(event, TurnFinished):
                    return pointed(event, prepared.agent.plan)
                if isinstance(event, ApprovalRequired) and self._frontend is None:
                    self._questions.expect(event.question)  # before it is seen, so that no answer comes too early
                await self._recorder.take(event)
                if isinstance(event, Retrying):
                    await log_event(event, **self._about)
                await handed(event)
        return TurnFinished("failed", error="the turn ended without saying why")

    async def _made(self, session: Session, prepared: _Prepared) -> AsyncGenerator[Event, None]:
        yield TurnStarted(self.turn_id, prepared.revision, prepared.model)
        yield UserSaid(self._said)
        first = all(one.turn_id == self.turn_id for one in self._stored) or bool(
            session.parent_session_id and not await self._turns_before()
        )
        if not self._lifecycle.knows(self._session_id):
            for notice in left_out(prepared.agent):
                yield notice
        for notice in await self._lifecycle.begun(session, prepared.config.hooks, first=first):
            yield notice
        for notice in await self._notices(session, prepared):
            yield notice

        async def steer() -> Sequence[Message]:
            return self._steer()

        async def refresh() -> SessionConfig:
            now = await self._session()
            return session_config(prepared.agent, now, revision=prepared.revision)

        assert self._recorder is not None
        turn = run_turn(
            [one.message for one in self._stored],
            prepared.config,
            self._frontend or Anybody(self._store, self._session_id, self._questions),
            turn_id=self.turn_id,
            steer=steer,
            refresh=refresh,
            spend=self._recorder.spend,
            late=self._recorder.late,
        )
        async with aclosing(turn) as events:
            async for event in events:
                if not isinstance(event, TurnStarted):
                    yield event

    async def _notices(self, session: Session, prepared: _Prepared) -> list[Notice]:
        """Say what a person must know about this turn before it goes on."""
        notices = []
        if session.state == "interrupted":
            lost = "The turn before was cut off when its program ended. What it had said and done is above."
            notices.append(Notice(lost, "warning"))
        turns = await self._turns_before()
        before = next((turn.config_revision for turn in reversed(turns) if turn.config_revision), 0)
        if before and before != prepared.revision:
            notices.append(await self._followed(session, before, prepared))
        return notices

    async def _turns_before(self) -> Sequence[StoredTurn]:
        return (await asyncio.to_thread(self._store.turns, self._session_id))[:-1]

    async def _followed(self, session: Session, before: int, prepared: _Prepared) -> Notice:
        """Say that a session took a saved change of its config, and what the change means."""
        plan = prepared.agent.plan
        text = f"{plan.name}: revision {before} → {prepared.revision} from here on"
        try:
            old = await self._agents.plan(session.config_id, before, Path(session.workspace or "."))
        except WorkbenchError:  # the old revision was pruned, or cannot be read any more
            return Notice(text)
        changes = [str(change) for change in diff_plans(old, plan)]
        more = f"; and {len(changes) - NAMED} more" if len(changes) > NAMED else ""
        what = clean_line("; ".join(changes[:NAMED])) + more if changes else "nothing that a session would notice"
        data: dict[str, Any] = {"changes": changes}
        return Notice(f"{text} ({what})", data=data)

    async def _finish(self, end: TurnFinished) -> None:
        assert self._recorder is not None
        self._questions.clear()
        self.finished = await self._recorder.finish(end)
        await log_event(self.finished, **self._about)
        if end.status == "cancelled":
            await self._lifecycle.stopped(self._session_id)


def pointed(end: TurnFinished, plan: Plan) -> TurnFinished:
    """Add the line that set the value which a failure is about; where it was left out, that of the entry around it."""
    path = end.config_path
    while path and path not in plan.origins:
        path = path.rpartition(".")[0]
    return replace(end, error=f"{end.error.rstrip('.')} ({plan.origins[path][-1]}).") if path else end


def left_out(agent: Agent) -> list[Notice]:
    """Say once what a session does without: tools and hooks that could not be mounted, or may not be."""
    found = [problem for problem in agent.problems if problem.code == "mount"]
    said = [Notice(f"{one.message}; {one.hint}" if one.hint else one.message, "warning") for one in found]
    held = [problem for problem in agent.problems if problem.code == CODE]
    return [*said, *([Notice(in_one_line(held), "warning", data={"code": CODE})] if held else [])]


def _current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _words(said: Message) -> str:
    """Return what a person said, without what a program added before it and the files that were sent along."""
    return " ".join(
        part.text for part in said.parts if isinstance(part, Text) and not part.text.startswith((CONTEXT, ATTACHED))
    )
