"""The words that are being streamed, of all turns of this process, saved together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from agent_workbench.errors import StorageError
from agent_workbench.services.waiting import ended, through
from agent_workbench.storage.ports import SessionStore
from agent_workbench.storage.records import Partial

#: Words that are streamed are saved at most this often (4 times a second), and never later than that.
EVERY_S = 0.25
#: A reply is saved whole each time, so one that is longer than this, in characters, is saved less often.
LONG = 32_000
LONGEST_S = 1.0


class Streaming(Protocol):
    """A turn that streams."""

    def partial(self) -> Partial | None:
        """Return what was streamed since the last stored message; None where that is nothing."""
        ...

    def lose(self) -> None:
        """Hear that another process holds the session."""
        ...


class Partials:
    """Saves streamed words in one transaction for all turns: one for each, with 200 turns, kept a core busy.

    The first words are saved at once. There is no task while nothing streams. A disk that refuses is asked again; the
    next part that is stored waits for it and says so.
    """

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._turns: set[Streaming] = set()
        self._saved: dict[Streaming, float] = {}
        self._changed: set[Streaming] = set()
        self._task: asyncio.Task[None] | None = None

    def keep(self, turn: Streaming) -> None:
        """Save a turn's words from now on, whenever `changed` says that there are more."""
        self._turns.add(turn)

    def changed(self, turn: Streaming) -> None:
        """Hear that a turn streamed something. Costs a microsecond."""
        if turn not in self._changed and turn in self._turns:
            self._changed.add(turn)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._saving(), name="saves streamed words")

    async def forget(self, turn: Streaming) -> None:
        """Save no more of a turn. What is under way for it is refused by its lease, or by its next message."""
        self._turns.discard(turn)
        self._changed.discard(turn)
        self._saved.pop(turn, None)
        if not self._turns and self._task is not None:
            task, self._task = self._task, None  # a turn that begins meanwhile gets a new one
            await ended(task)

    async def _saving(self) -> None:
        while self._changed:
            now = time.monotonic()
            found = {turn: partial for turn in self._changed if (partial := turn.partial()) is not None}
            later = {turn for turn, partial in found.items() if now < self._saved.get(turn, 0.0) + pause(partial)}
            self._changed = later.copy()
            ready = {turn: partial for turn, partial in found.items() if turn not in later}
            if ready:
                self._saved.update(dict.fromkeys(ready, now))
                await through(self._save(ready))
            await asyncio.sleep(now + EVERY_S - time.monotonic())

    async def _save(self, found: dict[Streaming, Partial]) -> None:
        try:
            stale = await asyncio.to_thread(self._store.save_partials, list(found.values()))
        except StorageError:
            self._changed.update(self._turns.intersection(found))
            return
        for turn, partial in found.items():
            if turn in self._turns and partial.turn_id in stale:
                turn.lose()


def pause(partial: Partial) -> float:
    """Return the seconds that lie between two savings of a reply at least, by its length; 0 is at every chance."""
    length = _length(partial.message.parts)
    return min(LONGEST_S, EVERY_S * length / LONG) if length > LONG else 0.0


def _length(parts: Sequence[object]) -> int:
    return sum(len(getattr(part, "text", "")) for part in parts)
