"""Closing the sessions that clients began and left: they are kept, and the next message goes on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.server.sessions import VIA
from agent_workbench.services.sessions import SessionManager

#: How often it is looked, in seconds.
LOOK_S = 30.0
_PAGE = 200


async def close_idle(sessions: SessionManager, idle_s: float | None) -> None:
    """Close what was idle for longer than `idle_s`, again and again until cancelled; nothing where that is None."""
    while idle_s is not None:
        try:
            await close_once(sessions, idle_s)
        except WorkbenchError:
            pass  # a busy database: the next look does it
        await asyncio.sleep(min(LOOK_S, idle_s))


async def close_once(sessions: SessionManager, idle_s: float, *, now: datetime | None = None) -> int:
    """Close the sessions of clients without a message for longer than `idle_s` seconds; return how many."""
    before = (now or datetime.now(UTC)) - timedelta(seconds=idle_s)
    stale, offset = [], 0
    while True:
        found, total = await sessions.list_sessions(_PAGE, offset, status="active")
        offset += len(found)
        stale += [
            one
            for one in found
            if one.updated_at < before and one.state == "idle" and VIA.items() <= dict(one.tags).items()
        ]
        if not found or offset >= total:
            break
    for session in stale:
        await sessions.update_session(session.session_id, status="completed")
    return len(stale)
