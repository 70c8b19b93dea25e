"""What happened in a session's turns, one line each and in full, with secrets as dots: for finding out why.

What went over the wire to the model is known for the newest requests of this process; the rest is read from the store.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent_workbench.configs.words import counted
from agent_workbench.conversation.codec import message_to_json
from agent_workbench.engine.hooks.redaction import Redaction, RedactionConfig
from agent_workbench.engine.ports import Request
from agent_workbench.engine.repair import sendable
from agent_workbench.engine.wire import Arrived, Exchange
from agent_workbench.services.shapes import turn_to_json
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import StoredEvent, StoredMessage, Turn

LONGEST = 100_000
"""Characters of one record that are shown."""
WIRE_LONGEST = 400_000
"""The same of a request or an answer, which are kept up to a third of that."""
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
    """Return what happened in a session, newest first: turns, messages as they were stored, events, and the wire.

    Of each attempt to get a reply there is the `request` as it was sent and the `answer` as it arrived, while this
    process still knows them.

    Raises:
        NotFound: If there is no such session.
    """
    await bench.sessions.find_session(session_id)
    turns, messages = await asyncio.gather(bench.sessions.turns(session_id), bench.sessions.messages(session_id))
    events = await asyncio.to_thread(bench.store.sessions.events, session_id)
    sent = tuple(bench.wire.of(session_id))
    return await asyncio.to_thread(_merged, turns, messages, events, sent)


def wire(bench: SharedContext, session_id: str) -> Sequence[Entry]:
    """Return what went over the wire for a session, oldest first, as far as this process knows it."""
    return [entry for exchange in bench.wire.of(session_id) for entry in _exchange(exchange)]


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as a JSON object."""
    detail: Any = entry.detail
    with suppress(ValueError):  # it was too long, and ends somewhere
        detail = json.loads(detail)
    return {"at": entry.at, "kind": entry.kind, "about": entry.about, "failed": entry.failed, "detail": detail}


def _merged(
    turns: Sequence[Turn], messages: Sequence[StoredMessage], events: Sequence[StoredEvent], sent: Sequence[Exchange]
) -> list[Entry]:
    found = [*map(_turn, turns), *map(_message, messages), *map(_event, events)]
    found += [entry for exchange in sent for entry in _exchange(exchange)]
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


def _exchange(one: Exchange) -> Iterator[Entry]:
    """Yield the request of an attempt, and its answer once that began or it is known that none comes."""
    line = {"method": one.method, "url": one.url, "provider": one.provider, "model": one.model}
    sent = {**line, "headers": dict(one.headers), "body": _decoded(one.body, one)}
    where = f"{one.method} {one.url}" if one.method else f"{one.provider}: nothing was sent yet"
    yield Entry(one.at, "request", one_line(f"{where} · {one.model}"), _json(sent, WIRE_LONGEST))
    arrived = one.arrived
    if one.status is None and one.ended_s is None:
        return
    begun = one.answered_s if one.answered_s is not None else one.ended_s or 0.0
    answer = {
        "status": one.status, "request_id": one.request_id, "answered_s": _seconds(one.answered_s),
        "ended_s": _seconds(one.ended_s), "error": one.error, "headers": dict(one.answer_headers),
        "not_kept": one.left_out, "arrived": [_arrived(piece, one) for piece in arrived],
    }  # fmt: skip
    took = f"{one.ended_s:.2f} s" if one.ended_s is not None else "still coming"
    words = (
        str(one.status or "no answer"),
        took,
        counted(len(arrived) + one.left_out, "piece"),
        one.request_id,
        one.error,
    )
    failed = bool(one.error) or (one.status or 0) >= 400
    at = one.at + timedelta(seconds=begun)
    yield Entry(at, "answer", one_line(" · ".join(filter(None, words))), _json(answer, WIRE_LONGEST), failed)


def _arrived(piece: Arrived, one: Exchange) -> Mapping[str, Any]:
    name = {"event": piece.name} if piece.name else {}
    return {"after_s": _seconds(piece.after_s), **name, "data": _decoded(piece.data, one)}


def _decoded(text: str, one: Exchange) -> Any:
    """Return JSON as what it says, so that secrets are known by their keys; anything else as text."""
    text = one.hidden(text)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _seconds(passed: float | None) -> float | None:
    return None if passed is None else round(passed, 3)


def _turn(turn: Turn) -> Entry:
    steps = counted(turn.steps, "step")
    words = f"{turn.state} · revision {turn.config_revision} · {turn.model or 'no model'} · {steps}"
    detail = _json(turn_to_json(turn))
    return Entry(turn.started_at, "turn", f"{words} {turn.error}".rstrip(), detail, bool(turn.error))


def _message(stored: StoredMessage) -> Entry:
    message = stored.message
    calls = ", ".join(call.name for call in message.tool_calls)
    results = counted(len(message.tool_results), "result") if message.tool_results else ""
    words = " · ".join(filter(None, (message.text[:200], calls and f"calls {calls}", results)))
    failed = any(result.is_error for result in message.tool_results)
    return Entry(stored.created_at, message.role, one_line(words), _json(message_to_json(message)), failed)


def _event(event: StoredEvent) -> Entry:
    data = {key: value for key, value in event.data.items() if key != "type"}
    told = {key: value for key, value in data.items() if value not in ("", None, [], {})}
    words = " · ".join(f"{key} {_brief(value)}" for key, value in told.items())
    if event.kind == "notice":
        words = str(data.get("text", ""))
    failed = "error" in event.kind or event.kind == "retrying" or data.get("severity") == "error"
    return Entry(event.created_at, event.kind, one_line(words), _json(dict(event.data)), failed)


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_brief(one)}" for key, one in list(value.items())[:6])
    return f"{value:.3g}" if isinstance(value, float) else str(value)[:120]


def one_line(words: str) -> str:
    """Return words on one line, with secrets as dots."""
    return str(_REDACTED.redact(" ".join(words.split())))[:400]


def _json(value: Any, longest: int = LONGEST) -> str:
    return json.dumps(_REDACTED.redact(value), ensure_ascii=False, indent=2, default=str)[:longest]
