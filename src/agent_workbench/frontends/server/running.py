"""The turns that run for clients: how many at a time, who waits, and what nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, contextmanager
from typing import Any
from weakref import WeakValueDictionary

from agent_workbench.conversation.events import Answer, ApprovalRequired, Event, TurnFinished
from agent_workbench.conversation.messages import Message
from agent_workbench.errors import Conflict, SessionBusy
from agent_workbench.services.sessions import SessionManager
from agent_workbench.storage.records import Session

#: How often a message that is queued looks whether another process's turn is over, in seconds.
ELSEWHERE_S = 0.5


class TooBusy(Conflict):
    """The server runs as many turns as it may."""

    title = "Too busy"


class Running:
    """Runs turns for clients; `most` at a time, each question denied after `approval_s` seconds."""

    def __init__(
        self, sessions: SessionManager, *, most: int, approval_s: float, finished: Callable[[TurnFinished], None]
    ) -> None:
        self._sessions = sessions
        self._most = most
        self._approval_s = approval_s
        self._finished = finished
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.count = 0
        """How many turns run or wait now."""

    def check(self) -> None:
        """Refuse where no place is free.

        Raises:
            TooBusy: If so.
        """
        if self.count >= self._most:
            raise TooBusy(f"{self._most} turns are running, which is as many as this server takes on; try again later")

    def order(self, key: str) -> asyncio.Lock:
        """Return the lock that those who do one thing hold, one after the other in the order in which they came."""
        return self._orders.setdefault(key, asyncio.Lock())

    async def turn(
        self, session: Session, message: str | Message, *, context: Mapping[str, Any] | None = None, queue: bool = False
    ) -> AsyncGenerator[Event, None]:
        """Run a turn and yield its events; closing the iterator cancels it.

        A session that was closed, when it was idle or by hand, goes on. With `queue` the turn begins when those before
        it are over, those that other clients queued first.

        Raises:
            TooBusy: If no place is free.
            SessionBusy: If a turn runs in the session, without `queue`.
            WorkbenchError: As `SessionManager.stream_message`.
        """
        async with AsyncExitStack() as held:
            held.enter_context(self._place())
            if queue:
                await held.enter_async_context(self.order(f"queue {session.session_id}"))
            if session.status != "active":
                await self._sessions.resume_session(session.session_id)
            events = self._begun(session.session_id, message, context, queue=queue)
            watched = self._watched(session.session_id, events)
            async with aclosing(events), aclosing(watched):
                async for event in watched:
                    yield event

    @contextmanager
    def _place(self) -> Iterator[None]:
        self.check()
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    async def _watched(self, session_id: str, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """Count a turn that had an event: by its end, or as cancelled where nobody waited for that."""
        last: Event | None = None
        try:
            async for last in events:
                if isinstance(last, ApprovalRequired):
                    self._expect_answer(session_id, last)
                yield last
        finally:
            if last is not None:
                self._finished(last if isinstance(last, TurnFinished) else TurnFinished("cancelled"))

    async def _begun(
        self, session_id: str, message: str | Message, context: Mapping[str, Any] | None, *, queue: bool
    ) -> AsyncGenerator[Event, None]:
        begun = False
        while not begun:
            try:
                stream = self._sessions.stream_message(session_id, message, context=context)
                async with aclosing(stream) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except SessionBusy:
                if begun or not queue:
                    raise
            await asyncio.sleep(ELSEWHERE_S)  # nothing of another process, or of a screen, wakes us

    def _expect_answer(self, session_id: str, event: ApprovalRequired) -> None:
        """Deny what nobody answers in time: a turn must not wait for ever for a client that does not listen."""
        late = Answer("deny", f"nobody answered within {self._approval_s:g} seconds")
        asyncio.get_running_loop().call_later(
            self._approval_s, self._sessions.answer, session_id, event.question.id, late
        )
