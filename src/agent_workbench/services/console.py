"""What happened in a session's turns, one line each and in full, with secrets as dots: for finding out why."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent_workbench.conversation.codec import message_to_json
from agent_workbench.engine.hooks.redaction import Redaction, RedactionConfig
from agent_workbench.engine.ports import Request
from agent_workbench.engine.repair import sendable
from agent_workbench.services.shapes import turn_to_json
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import StoredEvent, StoredMessage, Turn

LONGEST = 100_000
"""Characters of one record that are shown."""
_REDACTED = Redaction(RedactionConfig())


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `detail` is all of it as JSON, redacted."""

    at: datetime
    kind: str
    about: str
    detail: str
    failed: bool = False


async def entries(bench: SharedContext, session_id: str) -> Sequence[Entry]:
    """Return what happened in a session, newest first: turns, messages as they were stored, and events.

    Raises:
        NotFound: If there is no such session.
    """
    await bench.sessions.find_session(session_id)
    turns, messages = await asyncio.gather(bench.sessions.turns(session_id), bench.sessions.messages(session_id))
    events = await asyncio.to_thread(bench.store.sessions.events, session_id)
    return await asyncio.to_thread(_merged, turns, messages, events)


def _merged(turns: Sequence[Turn], messages: Sequence[StoredMessage], events: Sequence[StoredEvent]) -> list[Entry]:
    found = [*map(_turn, turns), *map(_message, messages), *map(_event, events)]
    return sorted(found, key=lambda one: one.at, reverse=True)


async def next_request(bench: SharedContext, session_id: str) -> str:
    """Return what the next request of a session would carry, as JSON, redacted: system, messages, tools, model.

    Built as the engine does, from what is stored now, without what hooks would add. Sends nothing.

    Raises:
        NotFound: If there is no such session.
        InvalidBundle: If its config cannot run.
    """
    config = await bench.sessions.effective(session_id)
    history = tuple(one.message for one in await bench.sessions.messages(session_id))
    system, policy = config.system, config.history_policy
    if policy is not None:
        system = "\n\n".join(filter(None, (system, await asyncio.to_thread(policy.memory, config.workspace))))
        history = policy.view(history, system=system).messages
    request = Request(system, sendable(history), config.tools.specs, config.model, session_id)
    return _json({
        "provider": [one.id for one in config.candidates()],
        "model": config.model_name,
        "system": request.system,
        "messages": [message_to_json(message) for message in request.messages],
        "tools": [{"name": spec.name, "description": spec.description, "input_schema": spec.input_schema}
                  for spec in request.tools],
    })  # fmt: skip


def _turn(turn: Turn) -> Entry:
    words = f"{turn.state} · revision {turn.config_revision} · {turn.model or 'no model'} · {turn.steps} steps"
    detail = _json(turn_to_json(turn))
    return Entry(turn.started_at, "turn", f"{words} {turn.error}".rstrip(), detail, bool(turn.error))


def _message(stored: StoredMessage) -> Entry:
    message = stored.message
    calls = ", ".join(call.name for call in message.tool_calls)
    results = f"{len(message.tool_results)} results" if message.tool_results else ""
    words = " · ".join(filter(None, (message.text[:200], calls and f"calls {calls}", results)))
    failed = any(result.is_error for result in message.tool_results)
    return Entry(stored.created_at, message.role, _shown(words), _json(message_to_json(message)), failed)


def _event(event: StoredEvent) -> Entry:
    data = {key: value for key, value in event.data.items() if key != "type"}
    words = " · ".join(f"{key} {_brief(value)}" for key, value in data.items() if value not in ("", None, [], {}))
    failed = "error" in event.kind or event.kind == "retrying" or data.get("severity") == "error"
    return Entry(event.created_at, event.kind, _shown(words), _json(dict(event.data)), failed)


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_brief(one)}" for key, one in list(value.items())[:6])
    return str(value)[:120]


def _shown(words: str) -> str:
    return str(_REDACTED.redact(" ".join(words.split())))[:400]


def _json(value: Any) -> str:
    return json.dumps(_REDACTED.redact(value), ensure_ascii=False, indent=2, default=str)[:LONGEST]
