"""The turns that run for clients: how many at a time, who waits, and what nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, contextmanager
from typing import Any

from agent_workbench.conversation.events import Answer, ApprovalRequired, Event
from agent_workbench.conversation.messages import Message
from agent_workbench.errors import Conflict, SessionBusy
from agent_workbench.services.sessions import SessionManager

#: How often a message that is queued looks whether another process's turn is over, in seconds.
ELSEWHERE_S = 0.5


class TooBusy(Conflict):
    """The server runs as many turns as it may."""

    title = "Too busy"


class Running:
    """Runs turns for clients; `most` at a time, each question denied after `approval_s` seconds."""

    def __init__(self, sessions: SessionManager, *, most: int, approval_s: float) -> None:
        self._sessions = sessions
        self._most = most
        self._approval_s = approval_s
        self._queues: dict[str, asyncio.Lock] = {}
        self.count = 0
        """How many turns run or wait now."""

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take one of the places.

        Raises:
            TooBusy: If none is free.
        """
        if self.count >= self._most:
            raise TooBusy(f"{self._most} turns are running, which is as many as this server takes on; try again later")
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    async def turn(
        self, session_id: str, message: str | Message, *, context: Mapping[str, Any] | None = None, queue: bool = False
    ) -> AsyncGenerator[Event, None]:
        """Run a turn and yield its events; closing the iterator cancels it.

        With `queue` it begins when the turns before it are over, those that other clients queued first.

        Raises:
            TooBusy: If no place is free.
            SessionBusy: If a turn runs in the session, without `queue`.
            WorkbenchError: As `SessionManager.stream_message`.
        """
        async with AsyncExitStack() as held:
            held.enter_context(self.place())
            if queue:
                await held.enter_async_context(self._queue(session_id))
            async with aclosing(self._begun(session_id, message, context, queue=queue)) as events:
                async for event in events:
                    if isinstance(event, ApprovalRequired):
                        self._expect_answer(session_id, event)
                    yield event

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

    def _queue(self, session_id: str) -> asyncio.Lock:
        """Return the lock that those who queue in a session hold one after the other."""
        free = [one for one, lock in self._queues.items() if not lock.locked()]
        for one in free:
            del self._queues[one]
        return self._queues.setdefault(session_id, asyncio.Lock())

    def _expect_answer(self, session_id: str, event: ApprovalRequired) -> None:
        """Deny what nobody answers in time: a turn must not wait for ever for a client that does not listen."""
        late = Answer("deny", f"nobody answered within {self._approval_s:g} seconds")
        asyncio.get_running_loop().call_later(
            self._approval_s, self._sessions.answer, session_id, event.question.id, late
        )
