"""The in-process bus: what happens in a session reaches every front end that follows it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from weakref import WeakSet

from agent_workbench.conversation.events import Event, TextDelta, ThinkingDelta

#: Words that a slow follower has not taken yet are joined up to this length, so that its backlog stays small.
JOINED = 4096


class Following(AsyncIterator[Event]):
    """A session's events from the moment this was made, until the hub closes or `aclose` is called.

    One that is dropped is forgotten by the hub; nothing waits for a slow one.
    """

    def __init__(self, hub: Hub, session_id: str) -> None:
        self.session_id = session_id
        self._hub = hub
        self._pending: deque[tuple[Event, int, str]] = deque()
        self._news = asyncio.Event()
        self._closed = False
        self.seq = 0
        """The place of the stored message that the event taken last tells of; 0 where it tells of none."""
        self.key = ""
        """What the event taken last is stored as (see `Hub.publish`); empty where it is not stored by itself."""

    @property
    def pending(self) -> int:
        """How many events wait to be taken."""
        return len(self._pending)

    def put(self, event: Event, seq: int = 0, key: str = "") -> None:
        """Add an event; words join the words before them."""
        last = self._pending[-1][0] if self._pending else None
        match last, event:
            case (TextDelta(before), TextDelta(more)) if len(before) < JOINED:
                self._pending[-1] = TextDelta(before + more), 0, ""
            case (ThinkingDelta(before), ThinkingDelta(more)) if len(before) < JOINED:
                self._pending[-1] = ThinkingDelta(before + more), 0, ""
            case _:
                self._pending.append((event, seq, key))
        self._news.set()

    def end(self) -> None:
        """Let the follower stop once it has taken what is pending."""
        self._closed = True
        self._news.set()

    async def __anext__(self) -> Event:
        while not self._pending:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        event, self.seq, self.key = self._pending.popleft()
        return event

    async def aclose(self) -> None:
        """Stop following."""
        self._hub.forget(self)
        self._pending.clear()
        self.end()


class Hub:
    """Hands each session's events to whoever follows it. Followers that leave cost nothing."""

    def __init__(self) -> None:
        self._followers: dict[str, WeakSet[Following]] = {}
        self.seen: dict[str, int] = {}
        """For each followed session, the `seq` of the last stored message that its followers know."""

    @property
    def followed(self) -> tuple[str, ...]:
        """The sessions that somebody follows."""
        for session_id in [one for one, followers in self._followers.items() if not followers]:
            self._drop(session_id)
        return tuple(self._followers)

    def publish(self, session_id: str, event: Event, *, seq: int = 0, key: str = "") -> None:
        """Hand on an event; never waits. `seq` is the place of the stored message that it tells of.

        `key` is the id that it is stored under: of an event, or of the turn whose end it is.
        """
        followers = self._followers.get(session_id)
        if followers is None:
            return
        self.seen[session_id] = max(seq, self.seen.get(session_id, 0))
        for following in tuple(followers):
            following.put(event, seq, key)

    def follow(self, session_id: str, *, seen: int = 0) -> Following:
        """Yield a session's events from now on. `seen` is how many messages were stored before."""
        following = Following(self, session_id)
        self._followers.setdefault(session_id, WeakSet()).add(following)
        self.seen.setdefault(session_id, seen)
        return following

    def forget(self, following: Following) -> None:
        """Stop handing events to a follower."""
        followers = self._followers.get(following.session_id)
        if followers is not None:
            followers.discard(following)
            if not followers:
                self._drop(following.session_id)

    def close(self) -> None:
        """End all following."""
        for followers in tuple(self._followers.values()):
            for following in tuple(followers):
                following.end()

    def _drop(self, session_id: str) -> None:
        self._followers.pop(session_id, None)
        self.seen.pop(session_id, None)
