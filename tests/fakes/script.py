"""What a scripted model answers, in one vocabulary for all wire formats, and what goes wrong on the way.

A reply is made of the product's own message parts, so that one script drives every format:

    says("Let me look.", ToolCall("call_1", "read_file", {"path": "a.txt"}))
    says(Thinking("Hm."), "42", tokens=Usage(input_tokens=20, output_tokens=2, cache_read_tokens=16))
    says("half of it", broken=Broken(cut=b"half", ending="reset"))
    fails(429, "rate_limit", headers={"retry-after": "7"})

A `ToolCall` with `raw` streams exactly that text as its arguments. A `Thinking` without a signature gets a
genuine one; one whose signature starts with `redacted:` is sent as a redacted block where the format has them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from agent_workbench.conversation.messages import Part, StopReason, Text, ToolCall
from agent_workbench.conversation.usage import Usage

ErrorName = Literal[
    "auth", "forbidden", "quota", "rate_limit", "model", "invalid", "context", "too_large", "server", "overloaded"
]
Ending = Literal["clean", "close", "reset"]


@dataclass(frozen=True, slots=True)
class Broken:
    """How a reply is broken on the wire.

    A place (`cut`, `stall`) is a number of body bytes, or the bytes after whose first occurrence it happens; a
    negative number is before the response's first byte. After a cut the response ends `clean` (a whole HTTP response
    whose stream lacks its end), by `close` (the connection ends inside the body) or by `reset`. A stall waits for
    `release`. `split` sends the body in pieces of that many bytes. `insert` puts bytes after the first event.
    `error` replaces the stop event by the format's error event.
    """

    cut: int | bytes | None = None
    ending: Ending = "reset"
    stall: int | bytes | None = None
    release: asyncio.Event = field(default_factory=asyncio.Event)
    split: int = 0
    insert: bytes = b""
    error: ErrorName | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One scripted answer. With a `status` other than 200, or a `body`, the parts are not sent."""

    parts: tuple[Part, ...] = ()
    stop: StopReason = "end"
    tokens: Usage | None = Usage(input_tokens=12, output_tokens=5)
    model: str = "fake-1"
    delta: int = 7
    """Characters in each streamed piece."""
    status: int = 200
    error: ErrorName = "server"
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    broken: Broken = field(default_factory=Broken)


def says(
    *parts: Part | str,
    stop: StopReason | None = None,
    tokens: Usage | None = Usage(input_tokens=12, output_tokens=5),
    broken: Broken | None = None,
    delta: int = 7,
) -> Reply:
    """Script a reply. The stop reason follows from the parts unless given; `tokens=None` reports no usage."""
    whole = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    calls = any(isinstance(part, ToolCall) for part in whole)
    return Reply(whole, stop or ("tool_calls" if calls else "end"), tokens, delta=delta, broken=broken or Broken())


def fails(
    status: int,
    error: ErrorName = "server",
    message: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    """Script a refusal in the format's own error shape, or with exactly this body."""
    return Reply(status=status, error=error, message=message, headers=headers or {}, body=body)


class Refused(Exception):
    """A request that the real API would answer with 400."""


def require(condition: object, message: str) -> None:
    """Refuse the request unless the condition holds."""
    if not condition:
        raise Refused(message)


def slices(text: str, size: int) -> list[str]:
    """Cut a text into streamed pieces; nothing for an empty text."""
    return [text[i : i + size] for i in range(0, len(text), size)]
