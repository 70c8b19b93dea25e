"""What a session's last turns told people besides their messages: compactions, config changes, failures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent_workbench.conversation.codec import event_from_json
from agent_workbench.conversation.events import Notice
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Turn

#: How many turns are looked through: what an older turn told is in the console.
TURNS = 30


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, when it was given, and the id of the event, or of the turn whose end it is."""

    at: datetime
    notice: Notice
    key: str


async def notices(bench: SharedContext, session_id: str) -> Sequence[Told]:
    """Return the notices of the last `TURNS` turns in order, and how turns ended that did not complete."""
    turns = (await bench.sessions.turns(session_id))[-TURNS:]
    return await asyncio.to_thread(_read, bench, session_id, turns)


def _read(bench: SharedContext, session_id: str, turns: Sequence[Turn]) -> list[Told]:
    found: list[Told] = []
    looked_through = {"", *(turn.turn_id for turn in turns)}  # a compaction by hand belongs to no turn
    for stored in bench.store.sessions.events(session_id, kind="notice"):
        event = event_from_json(stored.data) if stored.turn_id in looked_through else None
        if isinstance(event, Notice):
            found.append(Told(stored.created_at, event, str(stored.event_id)))
    for turn in turns:
        end = _end(turn)
        if end is not None and turn.finished_at is not None:
            found.append(Told(turn.finished_at, end, turn.turn_id))
    return sorted(found, key=lambda one: one.at)


def _end(turn: Turn) -> Notice | None:
    if turn.error:
        return Notice(turn.error, "error" if turn.state == "failed" else "warning")
    return Notice("stopped", "warning") if turn.state == "cancelled" else None
