"""Turns of many sessions: start them, steer, queue, answer, stop; one at a time in each session."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import Answer, Event, Notice, Question, TurnFinished, UserSaid
from agent_workbench.conversation.messages import Message
from agent_workbench.engine.ports import Frontend
from agent_workbench.errors import SessionBusy, UsageError, WorkbenchError
from agent_workbench.services.agents import Agents
from agent_workbench.services.hub import Hub
from agent_workbench.services.lifecycle import Lifecycle
from agent_workbench.services.partials import Partials
from agent_workbench.services.questions import Questions
from agent_workbench.services.recorder import LEASE_S, Recorder
from agent_workbench.services.turn import Turn
from agent_workbench.services.waiting import through
from agent_workbench.storage.ports import SessionStore

#: How often a message that waits for another process's turn looks whether that process is done, or dead.
ELSEWHERE_S = 0.5


@dataclass(eq=False)
class _Running:
    """What this process does in one session: the turn that runs, and what waits behind it."""

    task: asyncio.Task[None] | None = None
    questions: Questions = field(default_factory=Questions)
    saying: list[Message] = field(default_factory=list)
    """What the turn that begins is about, until it is stored."""
    steered: list[Message] = field(default_factory=list)
    taking: list[Message] = field(default_factory=list)
    """What the engine took to say between two steps, until it is stored."""
    queued: list[Message] = field(default_factory=list)
    elsewhere: list[Message] = field(default_factory=list)
    """What waits for the turn of another process."""
    foreground: asyncio.Queue[Event | None] | None = None
    """Where the events of the first turn go, each taken before the turn goes on."""
    ended: TurnFinished | None = None
    """How the last turn ended, until that is told."""
    turn_id: str = ""
    """The turn that ended so, where it is stored."""
    raises: bool = False
    """Whether whoever runs the turn in the foreground gets an exception instead."""
    stopping: bool = False
    released: bool = False

    def stop(self) -> None:
        """Cancel the task once: a second time would cut off the tools' own way of ending."""
        if self.task is not None and not self.stopping:
            self.stopping = True
            self.task.cancel()

    def lose(self) -> None:
        """Stop the turn that runs, and not what waits behind it: another process holds the session."""
        if self.task is not None and not self.stopping:
            self.task.cancel()

    def steer(self) -> Sequence[Message]:
        """Hand over what is to be said between two steps."""
        taken, self.steered = self.steered, []
        self.taking += taken
        return tuple(taken)

    def unsent(self) -> list[Message]:
        """Take everything that was never said."""
        left = [*self.saying, *self.elsewhere, *self.taking, *self.steered, *self.queued]
        self.saying, self.elsewhere, self.taking, self.steered, self.queued = [], [], [], [], []
        return left


class TurnRunner:
    """Runs turns for one process. `lease_s` is how long a dead process keeps its session from others."""

    def __init__(self, store: SessionStore, agents: Agents, hub: Hub, *, lease_s: float = LEASE_S) -> None:
        self._store = store
        self._agents = agents
        self._hub = hub
        self._lease_s = lease_s
        self._running: dict[str, _Running] = {}
        self._beside: dict[str, Questions] = {}
        """Of the sessions that something else than a turn holds."""
        self._unfinished: dict[str, tuple[Recorder, TurnFinished]] = {}
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._closed = False
        self._lifecycle = Lifecycle()
        self._partials = Partials(store)

    # --- start and stop

    async def stream(self, session_id: str, said: Message, frontend: Frontend | None) -> AsyncGenerator[Event, None]:
        """Run a turn and yield its events (see `SessionManager.stream_message`)."""
        running = self._claim(session_id)
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        running.foreground = events
        task = self._begin(running, session_id, said, frontend)
        task.add_done_callback(lambda _: events.put_nowait(None))
        event: Event | None = None
        try:
            while (event := await events.get()) is not None:
                yield event
                events.task_done()
                if isinstance(event, TurnFinished):
                    return
            if not task.cancelled():
                task.result()
            yield TurnFinished("cancelled")
        finally:
            if not (task.done() or isinstance(event, TurnFinished)):  # also before the first event came
                await self._stopped(running)

    def start(self, session_id: str, said: Message) -> None:
        """Run a turn in a task of its own, then what was queued meanwhile."""
        self._begin(self._claim(session_id), session_id, said, None)

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
        """Stop the turn, whoever started it; what waits behind it goes to the session's draft."""
        running = self._running.get(session_id)
        if running is None:
            return False
        await self._stopped(running)
        return True

    async def close(self) -> None:
        """Stop all turns, at once, and start no more."""
        self._closed = True
        await asyncio.gather(*(self._stopped(running) for running in tuple(self._running.values())))
        await self._lifecycle.ended()

    # --- what the person sees and answers

    def is_running(self, session_id: str) -> bool:
        """Whether a turn runs here, or a message waits here for another process's turn."""
        return session_id in self._running

    def is_here(self, session_id: str) -> bool:
        """Whether this process itself runs the session's turn."""
        running = self._running.get(session_id)
        return running is not None and not running.elsewhere

    def waiting(self, session_id: str) -> tuple[Message, ...]:
        """Return what is queued."""
        running = self._running.get(session_id)
        return (*running.elsewhere, *running.queued) if running else ()

    def steering(self, session_id: str) -> tuple[Message, ...]:
        """Return what is said at the next step."""
        running = self._running.get(session_id)
        return tuple(running.steered) if running else ()

    def take_back(self, session_id: str, message: Message | None = None) -> Message | None:
        """Take back a message that nobody has yet: the newest that is queued, else that waits for the next step."""
        running = self._running.get(session_id)
        for waiting in (running.queued, running.steered) if running else ():
            for place in reversed(range(len(waiting))):
                if message is None or waiting[place] == message:
                    return waiting.pop(place)
        return None

    def questions(self, session_id: str) -> tuple[Question, ...]:
        """Return the questions that wait."""
        found = self._asked(session_id)
        return found.waiting if found else ()

    def answer(self, session_id: str, question_id: str, answer: Answer) -> bool:
        """Answer a question once."""
        found = self._asked(session_id)
        return found is not None and found.answer(question_id, answer)

    def asking(self) -> tuple[str, ...]:
        """Return the sessions in which a question waits."""
        return tuple(id for id in (*self._running, *self._beside) if self.questions(id))

    def cover(self, session_id: str, rules: Collection[str], why: str) -> None:
        """Answer the questions of a session that these allowing rules cover."""
        if found := self._asked(session_id):
            found.cover(rules, why)

    @contextmanager
    def asking_beside(self, session_id: str, questions: Questions) -> Iterator[None]:
        """Let the questions of what holds a session in place of a turn be answered like those of a turn."""
        self._beside[session_id] = questions
        try:
            yield
        finally:
            del self._beside[session_id]
            questions.clear()

    # --- inside

    def _asked(self, session_id: str) -> Questions | None:
        running = self._running.get(session_id)
        return running.questions if running else self._beside.get(session_id)

    def _claim(self, session_id: str) -> _Running:
        if self._closed:
            raise UsageError("the workbench is closing: nothing more can be sent")
        if session_id in self._running:
            raise SessionBusy(f"a turn is running in session {session_id}: wait, queue the message, or stop it")
        running = self._running[session_id] = _Running()
        return running

    def _begin(
        self, running: _Running, session_id: str, said: Message, frontend: Frontend | None
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._run(running, session_id, said, frontend), name=f"turn in {session_id}")
        running.task = task
        task.add_done_callback(lambda _: self._release(session_id, running))
        return task

    def _release(self, session_id: str, running: _Running) -> None:
        running.released = True
        if self._running.get(session_id) is running:
            del self._running[session_id]

    async def _stopped(self, running: _Running) -> None:
        """Stop what runs and wait until that is stored."""
        if running.task is None or running.task is asyncio.current_task():
            running.stop()
            return
        try:
            await asyncio.sleep(0)  # a task that has not begun would keep nothing of what it was given
        finally:
            running.stop()
        await asyncio.wait([running.task])

    async def _run(self, running: _Running, session_id: str, said: Message, frontend: Frontend | None) -> None:
        following: Message | None = said
        try:
            while following is not None:
                await self._turn(running, session_id, following, frontend)
                following = await self._next(running, session_id)
                if following is None:
                    self._release(session_id, running)
                self._announce(running, session_id)
                running.foreground = frontend = None  # what follows is nobody's foreground
        finally:
            if not running.released:
                await through(self._keep_unsent(session_id, running.unsent()))
                self._release(session_id, running)
            self._announce(running, session_id)

    def _announce(self, running: _Running, session_id: str) -> None:
        """Tell how a turn ended: whoever hears it may send the next message at once."""
        ended, running.ended = running.ended, None
        key, running.turn_id = running.turn_id, ""
        if ended is not None:
            self._hub.publish(session_id, ended, key=key)
            if running.foreground is not None and not running.raises:
                running.foreground.put_nowait(ended)

    async def _next(self, running: _Running, session_id: str) -> Message | None:
        """Return what is to be said next: what was steered too late, queued here, or left by another process."""
        unsaid, running.saying = running.saying, []
        await through(self._keep_unsent(session_id, unsaid))
        running.queued = running.unsent()

        async def take() -> None:
            running.queued += await asyncio.to_thread(self._store.take_left, session_id)

        await through(take())
        return running.queued.pop(0) if running.queued else None

    async def _turn(self, running: _Running, session_id: str, said: Message, frontend: Frontend | None) -> None:
        """Run one turn. In the background it waits for another process's turn, and a failure is stored and published;
        in the foreground both are raised."""
        foreground = running.foreground
        again = True
        while again:
            again = False
            running.saying = [] if foreground is not None else [said]
            turn = self._made(running, session_id, said, frontend)
            try:
                await self._finish_again(session_id)
                await turn.run(self._handed(foreground))
            except WorkbenchError as error:
                if foreground is not None:
                    running.ended, running.raises = _failed(error), True
                    raise
                again = await self._not_begun(running, session_id, turn, error)
            finally:
                self._ended(running, session_id, turn)

    def _ended(self, running: _Running, session_id: str, turn: Turn) -> None:
        if turn.finished is None:
            return
        running.saying = []
        running.ended, running.raises, running.turn_id = turn.finished, turn.broken, turn.turn_id
        if turn.unfinished is not None:
            self._unfinished[session_id] = (turn.unfinished, turn.finished)

    async def _not_begun(self, running: _Running, session_id: str, turn: Turn, error: WorkbenchError) -> bool:
        """Deal with a background turn that could not begin; whether to try again now."""
        if isinstance(error, SessionBusy):
            running.elsewhere, running.saying = running.saying, []
            return await self._waited(running, session_id)
        try:
            await through(turn.refuse(_failed(error)))
        except WorkbenchError:
            running.ended = _failed(error)
        return False

    async def _waited(self, running: _Running, session_id: str) -> bool:
        """Leave a message to the process that runs the turn; True where it died or is done, and left it to us."""
        place = 0

        async def leave() -> None:
            nonlocal place
            place = await asyncio.to_thread(self._store.leave, session_id, running.elsewhere[0])

        async def take_back() -> None:
            taken = not await asyncio.to_thread(self._store.take_left, session_id, only=place)
            running.elsewhere = [] if taken else running.elsewhere

        try:
            await through(leave())
            if place:
                self._hub.publish(session_id, Notice("Another process runs a turn here; the message waits for it."))
            # Another process cannot set an event of ours, so this looks twice a second.
            while place and await asyncio.to_thread(self._is_left, session_id, place):  # noqa: ASYNC110
                await asyncio.sleep(ELSEWHERE_S)
        finally:
            if place:
                await through(take_back())
        ours = bool(running.elsewhere)
        running.elsewhere = []
        return ours

    def _is_left(self, session_id: str, place: int) -> bool:
        """Whether a living process runs the session and has not taken the message yet."""
        lease = self._store.lease(session_id)
        alive = lease is not None and lease.expires_at > datetime.now(UTC)
        return alive and bool(self._store.left(session_id, only=place))

    async def _finish_again(self, session_id: str) -> None:
        """Close a turn whose end could not be stored when it came."""
        left = self._unfinished.pop(session_id, None)
        if left is not None:
            await left[0].finish(left[1])
            if not left[0].closed:
                self._unfinished[session_id] = left

    async def _keep_unsent(self, session_id: str, messages: Sequence[Message]) -> None:
        """Put what was never said into the session's draft, and tell it to whoever looks."""
        texts = [message.text for message in messages if message.text]
        if not texts:
            return
        with suppress(WorkbenchError):  # a full disk: whoever looks still gets it back
            session = await asyncio.to_thread(self._store.get, session_id)
            drafted = [session.draft] if session is not None and session.draft else []
            await asyncio.to_thread(self._store.update, session_id, draft="\n\n".join([*drafted, *texts]))
        said = "Not sent, and kept as the session's draft: "
        self._hub.publish(session_id, Notice(said + clean_line("; ".join(texts), 200), data={"unsent": texts}))

    @staticmethod
    def _handed(foreground: asyncio.Queue[Event | None] | None) -> Callable[[Event], Awaitable[None]]:
        async def handed(event: Event) -> None:
            if foreground is not None:
                await foreground.join()

        return handed

    def _made(self, running: _Running, session_id: str, said: Message, frontend: Frontend | None) -> Turn:
        def publish(event: Event, seq: int = 0, key: str = "") -> None:
            if isinstance(event, UserSaid):
                running.taking = [message for message in running.taking if message is not event.message]
            self._hub.publish(session_id, event, seq=seq, key=key)
            if running.foreground is not None:
                running.foreground.put_nowait(event)

        return Turn(
            self._store,
            self._agents,
            session_id,
            said,
            owner=self._owner,
            lease_s=self._lease_s,
            questions=running.questions,
            publish=publish,
            lost=running.lose,
            steer=running.steer,
            lifecycle=self._lifecycle,
            partials=self._partials,
            frontend=frontend,
        )


def _failed(error: WorkbenchError) -> TurnFinished:
    return TurnFinished("failed", error=str(error), error_kind=error.title)
