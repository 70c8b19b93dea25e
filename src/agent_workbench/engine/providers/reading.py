"""Read a reply from a stream of events, whatever the wire format: whole, or a fault."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, Protocol

from agent_workbench.conversation.messages import Thinking
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.ports import ReplyDone, ReplyItem, Request
from agent_workbench.engine.providers import faults
from agent_workbench.engine.providers.client import Endpoint, Send
from agent_workbench.engine.providers.faults import Caller
from agent_workbench.errors import ProviderError

#: Seconds to wait for the end of a stream whose reply is whole.
LINGER = 0.25

_THOUGHTS = re.compile(r"thinking|signature|reasoning|encrypted", re.IGNORECASE)


class Reading(Protocol):
    """How one wire format is read: events in, items out. One object reads one reply."""

    whole: bool
    """The reply may end here: its stop event was seen."""
    over: bool
    """Nothing more will come."""

    def take(self, name: str, data: Any) -> Iterator[ReplyItem]:
        """Read one event."""
        ...

    def done(self, request_id: str) -> ReplyDone:
        """Return the whole reply."""
        ...

    def spent(self) -> Usage:
        """Return what the reply has used so far, as far as that was said: of a broken one this is all there is."""
        ...


async def read(
    endpoint: Endpoint, send: Send, reading: Reading, model: str, request: Request
) -> AsyncGenerator[ReplyItem, None]:
    """Send a request and stream its reply, `ReplyDone` last; `request.spend` counts what it used where it is given up.

    Raises:
        ProviderError: For every failure; `interrupted` where the stream ended without its stop event.
    """
    request_id, count, caller = "", 0, endpoint.caller
    try:
        async with aclosing(endpoint.events(send, model, request.session_id)) as events:
            try:
                async for name, data in events:
                    if not name:
                        request_id, caller = data, replace(endpoint.caller, model=model)
                        continue
                    count += 1
                    for item in _taken(caller, reading, name, data):
                        yield item
                    if reading.over:
                        break
            except ProviderError as error:
                error.request_id = error.request_id or request_id or None
                error.usage = reading.spent()
                if not reading.whole:
                    raise
            if not reading.whole:
                detail = "the stream ended before the reply was whole" if count else "the answer is empty"
                fault = faults.named(caller, "interrupted" if count else "protocol", detail)
                fault.request_id, fault.usage = request_id or None, reading.spent()
                raise fault
            # Reading to the very end lets the connection serve the next request; a server that lingers is left.
            with suppress(TimeoutError, ProviderError):
                async with asyncio.timeout(LINGER):
                    async for _ in events:
                        pass
    except (asyncio.CancelledError, GeneratorExit):  # nobody will hear of it any more
        request.spend(reading.spent())
        raise
    yield reading.done(request_id)


def _taken(caller: Caller, reading: Reading, name: str, data: Any) -> list[ReplyItem]:
    if isinstance(data, dict) and (data.get("type") == "error" or isinstance(data.get("error"), dict | str)):
        raise faults.reported(caller, data.get("error") or data)
    try:
        return list(reading.take(name, data))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        detail = f"an event of the stream has another shape than agreed ({name}: {type(error).__name__} {error})"
        raise faults.named(caller, "protocol", detail) from error


async def with_thoughts(
    stream: Callable[[Request, bool], AsyncGenerator[ReplyItem, None]], request: Request, origin: str
) -> AsyncGenerator[ReplyItem, None]:
    """Yield a reply; where the request was refused for thoughts that it gave back, send it once more without them."""
    for thoughts in (True, False):
        try:
            async with aclosing(stream(request, thoughts)) as items:
                async for item in items:
                    yield item
            return
        except ProviderError as error:
            if not (thoughts and _refuses_thoughts(error, request, origin)):
                raise


def _refuses_thoughts(error: ProviderError, request: Request, origin: str) -> bool:
    """Say whether a request was refused for thoughts that it gave back, so that it may pass without them.

    Newer models bind thoughts to the exact history before them: after compaction or a fork they do not fit any more.
    """
    if error.kind != "invalid_request" or not _THOUGHTS.search(str(error)):
        return False
    parts = (part for message in request.messages for part in message.parts)
    return any(isinstance(part, Thinking) and part.origin == origin for part in parts)
