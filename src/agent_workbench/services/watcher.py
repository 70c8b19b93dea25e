"""What other processes write: lists hear which sessions and configs changed, followers hear what is said and done.

Looks twice a second, and only while somebody listens. Looking costs one PRAGMA where nobody wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from agent_workbench.errors import StorageError
from agent_workbench.services.hub import Hub
from agent_workbench.services.mirror import Mirror, News
from agent_workbench.services.waiting import ended
from agent_workbench.storage.ports import Store
from agent_workbench.storage.records import ConfigMetadata, Page, Session

EVERY_S = 0.5
#: How often a reply that another process streams is read (4 times a second).
STREAMING_EVERY_S = 0.25
#: How many of the newest sessions and configs are compared; whoever lists more reads them when it pages.
COMPARED = 200


@dataclass(frozen=True, slots=True)
class Changed:
    """The ids of sessions and configs that are new, changed or gone. A reply being streamed is no change."""

    sessions: frozenset[str] = frozenset()
    configs: frozenset[str] = frozenset()


@dataclass
class _Known:
    """The newest rows as they were read last."""

    sessions: Mapping[str, Session] = field(default_factory=dict)
    configs: Mapping[str, ConfigMetadata] = field(default_factory=dict)

    def news(self, before: _Known) -> Changed:
        """Return what is another than it was."""
        return Changed(_differ(before.sessions, self.sessions), _differ(before.configs, self.configs))


def _differ(before: Mapping[str, Any], now: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(key for key in {*before, *now} if before.get(key) != now.get(key))


class Watcher:
    """Notices what other processes write. `is_here` says whether this process itself runs a session's turn."""

    def __init__(self, store: Store, hub: Hub, is_here: Callable[[str], bool]) -> None:
        self._store = store
        self._hub = hub
        self._own: set[str] = set()
        self._runs_here = is_here
        self._listeners: set[asyncio.Queue[Changed]] = set()
        self._mirrors: dict[str, Mirror] = {}
        self._known: _Known | None = None
        self._version: int | None = None
        self._task: asyncio.Task[None] | None = None

    async def watch(self) -> AsyncGenerator[Changed, None]:
        """Yield what changed in the lists, whoever changed it, until closed. Begins with what changes from now on."""
        queue: asyncio.Queue[Changed] = asyncio.Queue()
        if not self._listeners:
            self._known = await asyncio.to_thread(self._read)
        self._listeners.add(queue)
        self.look()
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    def look(self) -> None:
        """Begin to look, where somebody listens and nothing looks yet."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._looking(), name="watches other processes")

    @contextmanager
    def own(self, session_id: str) -> Iterator[None]:
        """Take what is stored in a session meanwhile for this process's own, which its followers know."""
        self._own.add(session_id)
        try:
            yield
        finally:
            self._own.discard(session_id)
            session = self._store.sessions.get(session_id)
            if session is not None and session_id in self._hub.seen:
                self._hub.seen[session_id] = session.message_count

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            await ended(self._task)

    # --- inside

    def _is_here(self, session_id: str) -> bool:
        return session_id in self._own or self._runs_here(session_id)

    async def _looking(self) -> None:
        while self._listeners or self._hub.followed:
            with suppress(StorageError):  # a locked or full disk: whoever acts will say so, and the next look may work
                await self._look()
            await asyncio.sleep(STREAMING_EVERY_S if self._streaming else EVERY_S)

    @property
    def _streaming(self) -> bool:
        return any(mirror.running for mirror in self._mirrors.values())

    async def _look(self) -> None:
        version = await asyncio.to_thread(self._store.data_version)
        wrote, self._version = version != self._version, version
        if wrote and self._listeners:
            await self._tell_listeners()
        followed = self._hub.followed
        self._mirrors = {one: mirror for one, mirror in self._mirrors.items() if one in followed}
        for session_id in followed:
            await self._tell_followers(session_id, wrote)

    async def _tell_listeners(self) -> None:
        known = await asyncio.to_thread(self._read)
        news = known.news(self._known or known)
        self._known = known
        if news != Changed():
            for queue in self._listeners:
                queue.put_nowait(news)

    def _read(self) -> _Known:
        page = Page(COMPARED)
        sessions, _ = self._store.sessions.list_sessions(page)
        configs, _ = self._store.configs.list_configs(page)
        return _Known({one.session_id: one for one in sessions}, {one.config_id: one for one in configs})

    async def _tell_followers(self, session_id: str, wrote: bool) -> None:
        if self._is_here(session_id):
            self._mirrors.pop(session_id, None)
            return
        mirror = self._mirrors.get(session_id)
        if mirror is None:
            mirror = self._mirrors[session_id] = Mirror(session_id)
        elif not wrote and not mirror.running:
            return
        seen = self._hub.seen.get(session_id, 0)
        news = await asyncio.to_thread(mirror.read, self._store.sessions, seen)
        if not self._is_here(session_id) and self._hub.seen.get(session_id, 0) == seen:  # else it is told by now
            self._publish(session_id, news)

    def _publish(self, session_id: str, news: Iterable[News]) -> None:
        for event, seq, key in news:
            self._hub.publish(session_id, event, seq=seq, key=key)
