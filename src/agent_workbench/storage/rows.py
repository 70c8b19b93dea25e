"""Rows to records and back: times, JSON, money."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from agent_workbench.conversation import codec
from agent_workbench.conversation.messages import Message, Text, Thinking
from agent_workbench.conversation.usage import Usage
from agent_workbench.errors import UsageError
from agent_workbench.storage.records import (
    Config,
    ConfigMetadata,
    Lease,
    Page,
    Revision,
    Session,
    StoredEvent,
    StoredMessage,
    Turn,
)

MAX_PAGE = 1000
"""The most rows of one page."""
LONGEST_LEASE_S = 300.0
"""More than any lease is taken for; they are renewed several times a minute."""


def now() -> str:
    """Return the time as stored: UTC with microseconds, so that text sorts as time does."""
    return to_time(datetime.now(UTC))


def later(seconds: float) -> str:
    """Return the stored form of a moment from now."""
    return to_time(datetime.now(UTC) + timedelta(seconds=seconds))


def is_held(expires: str) -> bool:
    """Whether the owner of a lease lives. One that ends later than any can was taken before the clock was set back."""
    return now() < expires <= later(LONGEST_LEASE_S)


def to_time(moment: datetime) -> str:
    """Return the stored form of an aware moment."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def time_of(text: str) -> datetime:
    """Return the moment of a stored time."""
    return datetime.fromisoformat(text)


def content_hash(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def page_clause(page: Page, sorts: Mapping[str, str], tie: str) -> str:
    """Return `ORDER BY … LIMIT … OFFSET …`; `sorts` maps the allowed names to columns.

    Raises:
        UsageError: If the list cannot be sorted so, or the page makes no sense.
    """
    if page.sort not in sorts:
        raise UsageError(f"Cannot sort by {page.sort!r}; choose one of {', '.join(sorts)}.")
    if not 0 <= page.limit <= MAX_PAGE or not 0 <= page.offset < 2**63:
        raise UsageError(f"A page has 0 to {MAX_PAGE} rows and starts at 0 or later.")
    way = "DESC" if page.descending else "ASC"
    return f" ORDER BY {sorts[page.sort]} {way}, {tie} {way} LIMIT {int(page.limit)} OFFSET {int(page.offset)}"


def _mapping(text: str | None) -> dict[str, Any]:
    value = codec.loads(text, {})
    return value if isinstance(value, dict) else {}


def _decimal(text: str | None) -> Decimal | None:
    return codec.usage_from_json({"cost": text}).cost


def tags_json(tags: Mapping[str, str] | None) -> str:
    """Return tags as stored: strings to strings."""
    return codec.dumps({str(key): str(value) for key, value in (tags or {}).items()})


def _metadata(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "config_id": row["config_id"], "name": row["name"], "description": row["description"],
        "created_at": time_of(row["created_at"]), "updated_at": time_of(row["updated_at"]),
        "tags": _mapping(row["tags"]), "revision": row["revision"], "content_hash": row["content_hash"],
        "size": row["size"], "sessions": row["sessions"], "outside": bool(row["outside"]),
    }  # fmt: skip


def config_metadata(row: sqlite3.Row) -> ConfigMetadata:
    """Return a config without its text."""
    return ConfigMetadata(**_metadata(row))


def config(row: sqlite3.Row) -> Config:
    """Return a config with its text."""
    return Config(**_metadata(row), yaml_content=row["yaml_content"])


def revision(row: sqlite3.Row) -> Revision:
    """Return one saved text."""
    values = {key: row[key] for key in ("config_id", "revision", "yaml_content", "content_hash", "author", "note")}
    return Revision(**values, created_at=time_of(row["created_at"]))


def session(row: sqlite3.Row) -> Session:
    """Return a session from its row joined with its config's name and its lease."""
    expires = row["expires_at"]
    state = "idle" if expires is None else "running" if is_held(expires) else "interrupted"
    return Session(
        session_id=row["session_id"], config_id=row["config_id"], status=row["status"],
        created_at=time_of(row["created_at"]), updated_at=time_of(row["updated_at"]),
        message_count=row["message_count"], title=row["title"], user_id=row["user_id"], workspace=row["workspace"],
        parent_session_id=row["parent_session_id"], pinned_revision=row["pinned_revision"], draft=row["draft"],
        tags=_mapping(row["tags"]), settings=_mapping(row["settings"]), config_name=row["config_name"],
        state=cast(Any, state), needs_you=bool(row["needs_you"]) and state != "interrupted", cost=_decimal(row["cost"]),
        unpriced=row["unpriced"],
    )  # fmt: skip


def message_values(message: Message) -> tuple[str, str, str, str | None]:
    """Return role, parts, model and stop reason as stored."""
    data = codec.message_to_json(message)
    return data["role"], codec.dumps(data["parts"]), data.get("model", ""), data.get("stop_reason")


def stored_message(row: sqlite3.Row) -> StoredMessage:
    """Return a message with its place."""
    said = codec.message_from_json({
        "role": row["role"], "parts": codec.loads(row["parts"], []), "model": row["model"],
        "stop_reason": row["stop_reason"],
    })  # fmt: skip
    return StoredMessage(row["session_id"], row["seq"], row["turn_id"], said, time_of(row["created_at"]))


def interrupted(message: Message) -> Message | None:
    """Return a partial reply as it is remembered: its words, marked; None where there are none.

    Tool calls that were still being written are left out: they were never run.
    """
    parts = tuple(part for part in message.parts if isinstance(part, (Text, Thinking)) and part.text)
    return Message("assistant", parts, message.model, "interrupted") if parts else None


USAGE_COLUMNS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost",
                 "unpriced")  # fmt: skip


def usage_values(usage: Usage) -> tuple[Any, ...]:
    """Return the values of `USAGE_COLUMNS`."""
    values = {name: getattr(usage, name) for name in USAGE_COLUMNS}
    return tuple(str(value) if isinstance(value, Decimal) else value for value in values.values())


def usage(row: sqlite3.Row) -> Usage:
    """Return what a turn used."""
    return codec.usage_from_json({name: row[name] for name in USAGE_COLUMNS})


def turn(row: sqlite3.Row) -> Turn:
    """Return one turn."""
    return Turn(
        turn_id=row["turn_id"], session_id=row["session_id"], state=row["state"],
        config_revision=row["config_revision"], model=row["model"], started_at=time_of(row["started_at"]),
        finished_at=time_of(row["finished_at"]) if row["finished_at"] else None, usage=usage(row),
        steps=row["steps"], error=row["error"],
    )  # fmt: skip


def event(row: sqlite3.Row) -> StoredEvent:
    """Return one event."""
    return StoredEvent(
        row["event_id"],
        row["session_id"],
        row["turn_id"],
        row["kind"],
        _mapping(row["data"]),
        time_of(row["created_at"]),
    )


def lease(row: sqlite3.Row) -> Lease:
    """Return a lease that is held."""
    return Lease(row["session_id"], row["owner"], row["epoch"], time_of(row["expires_at"]))
