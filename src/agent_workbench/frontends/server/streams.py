"""Server-sent events: what refuses a stream is an HTTP status, and what it ran is over when its client is gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from agent_workbench.services.waiting import ended

#: After so many seconds of silence a comment is sent: proxies cut what says nothing, and a client that is gone shows.
PING_S = 15.0
PING = ": ping\n\n"
#: What is not to be kept, nor held back until it is whole.
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class EventStream(StreamingResponse):
    """Lines as they come. They are closed when the answer is over, however it ends; see `opened`."""

    media_type = "text/event-stream"

    def __init__(self, first: str, lines: AsyncGenerator[str, None], headers: Mapping[str, str]) -> None:
        super().__init__(self._all(first), headers={**HEADERS, **headers})
        self._lines = lines
        self._coming: asyncio.Task[str | None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._coming is not None:
                await ended(self._coming)
            await self._lines.aclose()

    async def _all(self, first: str) -> AsyncIterator[str]:
        line: str | None = first
        while line is not None:
            yield line
            self._coming = asyncio.create_task(_next(self._lines))
            while not (await asyncio.wait([self._coming], timeout=PING_S))[0]:
                yield PING
            line = self._coming.result()


async def opened(lines: AsyncGenerator[str, None], headers: Mapping[str, str] | None = None) -> EventStream:
    """Wait for the first line, and answer with it and the others. What is raised before it refuses the request."""
    return EventStream(await anext(lines), lines, headers or {})


def line_of(value: Mapping[str, Any], *, place: int = 0) -> str:
    """Return what tells of a value; `place` is what a client that comes back names as the last that it has."""
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:  # a model's arguments may say NaN, which no JSON parser but Python's takes
        text = json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None))
    return f"data: {text}\n\n" if not place else f"data: {text}\nid: {place}\n\n"


async def _next(lines: AsyncGenerator[str, None]) -> str | None:
    return await anext(lines, None)
