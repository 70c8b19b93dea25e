"""The program's own log: what failed, one JSON object a line, secrets as dots, for its owner's eyes only.

`workbench.jsonl` in the log folder (`paths.log_dir()`); a full one becomes `workbench.jsonl.1`. What a session says and
does is not in it: that is the transcript's, and the module `hooks-logging`'s.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent_workbench import paths
from agent_workbench.conversation.events import Event, Retrying, TurnFinished
from agent_workbench.engine.hooks.logging import append
from agent_workbench.engine.hooks.redaction import Redaction, RedactionConfig

MAX_BYTES = 5_000_000
LONGEST = 20_000
"""Characters of one text in a record."""

_REDACTED = Redaction(RedactionConfig())


def log_path() -> Path:
    """Return the file that is written to."""
    return paths.log_dir() / "workbench.jsonl"


async def log_event(event: Event, **about: Any) -> None:
    """Note a request that failed, or a turn that did; other events are none of the log's business."""
    match event:
        case Retrying(attempt, delay_s, reason, _, request_id):
            await log(
                "request failed", attempt=attempt, again_in_s=delay_s, error=reason, request_id=request_id, **about
            )
        case TurnFinished(status, _, steps, error, kind, request_id) if status in ("failed", "limited"):
            await log(f"turn {status}", error=error, kind=kind, request_id=request_id, steps=steps, **about)
        case _:
            pass


async def log_crash(error: BaseException, **about: Any) -> None:
    """Note a mistake of the program's, or of a front end's, with where it happened."""
    trace = "".join(traceback.format_exception(error))
    await log("crashed", error=f"{type(error).__name__}: {error}", trace=trace[-LONGEST:], **about)


async def log(what: str, **data: Any) -> None:
    """Append a record, off the event loop. Never raises: a full disk has been told of elsewhere."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    record = {"ts": now, "what": what, **{key: _short(value) for key, value in data.items() if value != ""}}
    line = json.dumps(_REDACTED.redact(record), ensure_ascii=True, default=repr)
    with suppress(OSError):
        await asyncio.to_thread(append, log_path(), line, MAX_BYTES)


def _short(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) else value
