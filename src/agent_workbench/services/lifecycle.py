"""Tells the hooks of a session that it begins, goes on, is stopped, and ends: what no turn alone can know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from agent_workbench.conversation.events import Notice
from agent_workbench.engine.hooks.dispatch import Hooks
from agent_workbench.engine.ports import Hook
from agent_workbench.storage.records import Session

FAREWELL_S = 2.0
"""How long hooks may take over a stop or an end: a person who leaves is not kept waiting."""


class Lifecycle:
    """The sessions that this process has taken up. Each begins or is resumed once, and ends with the process."""

    def __init__(self) -> None:
        self._taken_up: dict[str, Hooks] = {}

    def knows(self, session_id: str) -> bool:
        """Whether a turn of the session has begun here before."""
        return session_id in self._taken_up

    async def begun(self, session: Session, hooks: Sequence[Hook], *, first: bool) -> Sequence[Notice]:
        """Say that a session's turn begins, where it is the first here; `first` where it is the first of all."""
        known = session.session_id in self._taken_up
        told = self._taken_up[session.session_id] = Hooks(tuple(hooks), session.session_id)
        if known:
            return ()
        name = ("session:fork" if session.parent_session_id else "session:start") if first else "session:resume"
        data = {"config_id": session.config_id, "parent_session_id": session.parent_session_id or ""}
        return (await told.fire(name, data)).notices

    async def stopped(self, session_id: str) -> None:
        """Say that a turn was stopped, after it was."""
        if session_id in self._taken_up:
            await _briefly(self._taken_up[session_id], "cancel:requested", "cancel:completed")

    async def ended(self) -> None:
        """Say that all sessions end here, all at once."""
        taken_up, self._taken_up = self._taken_up, {}
        await asyncio.gather(*(_briefly(hooks, "session:end") for hooks in taken_up.values()))


async def _briefly(hooks: Hooks, *names: str) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_S):
            for name in names:
                await hooks.fire(name, {})
