"""The in-process bus: what happens in a session reaches every front end that follows it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

from agent_workbench.conversation.events import Event


class Hub:
    """Hands each session's events to whoever follows it. Followers that leave cost nothing."""

    def __init__(self) -> None:
        self._followers: dict[str, set[asyncio.Queue[Event | None]]] = defaultdict(set)

    def publish(self, session_id: str, event: Event) -> None:
        """Hand on an event; never waits."""
        for queue in tuple(self._followers.get(session_id, ())):
            queue.put_nowait(event)

    async def follow(self, session_id: str) -> AsyncIterator[Event]:
        """Yield a session's events from now on, until the hub closes or the iterator is closed."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._followers[session_id].add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._followers[session_id].discard(queue)
            if not self._followers[session_id]:
                del self._followers[session_id]

    def close(self) -> None:
        """End all following."""
        for queues in tuple(self._followers.values()):
            for queue in queues:
                queue.put_nowait(None)
