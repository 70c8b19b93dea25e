"""The model on loopback that every engine is measured against, in a process of its own.

It speaks the wire formats of `tests/fakes` without checking requests. What it answers follows from the model's name and
from how many tool results a request holds, so that many conversations can be held at once:

- `turns`: three replies with one call of `add` each, then a text of 100 pieces; `stored` calls `todo` instead;
- `paced-RATE-COUNT`: COUNT pieces at RATE a second, each the time of its writing in nanoseconds of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from agent_workbench.conversation.messages import Text, ToolCall
from fakes.script import Reply, says
from fakes.wire import FORMATS, Recorded, WireServer, _head

STEPS = 3
CALLED = {"turns": ("add", {"b": 2}), "stored": ("todo", {"action": "list"})}
STAMP = 20
"""Digits of a time."""


class Model(WireServer):
    """Answers any number of conversations at once."""

    _chance = random.Random(1)

    async def _answer(self, request: Recorded, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.requests.clear()
        body, wire = request.json, FORMATS[request.path.partition("?")[0]]
        if body["model"] in CALLED:
            return await self._whole_reply(wire, step(results(body), body["model"]), writer)
        _, rate, count = body["model"].split("-")
        return await self._paced(wire, float(rate), int(count), writer)

    async def _whole_reply(self, wire: ModuleType, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        writer.write(_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
        for event in wire.stream(reply):
            writer.write(chunk(event))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _paced(self, wire: ModuleType, rate: float, count: int, writer: asyncio.StreamWriter) -> bool:
        """Send each piece when it is due, with the time at which it is really written.

        A stream begins at a random point of its beat: people's sessions do not speak in chorus.
        """
        blank = b'"' + b"0" * STAMP + b'"'
        events = wire.stream(Reply((Text("0" * STAMP * count),), delta=STAMP))
        writer.write(_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
        await writer.drain()
        due = time.monotonic() + self._chance.random() / rate
        for event in events:
            if blank in event:
                due += 1 / rate
                await asyncio.sleep(due - time.monotonic())
                event = event.replace(blank, b'"%020d"' % time.monotonic_ns())
            writer.write(chunk(event))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


def step(answered: int, model: str) -> Reply:
    """Return the reply that follows so many tool results."""
    if answered < STEPS:
        name, more = CALLED[model]
        return says("I will use the tool.", ToolCall(f"call_{answered}", name, {"a": answered, **more}))
    return says("word " * 100, delta=5)


def results(body: Any) -> int:
    """Count the tool results of a request, in any format."""
    items = body.get("messages") or body.get("input")
    found = 0
    for item in items if isinstance(items, list) else ():
        found += item.get("role") == "tool" or item.get("type") == "function_call_output"
        if isinstance(item.get("content"), list):
            found += sum(part.get("type") == "tool_result" for part in item["content"])
    return found


def chunk(data: bytes) -> bytes:
    """Return an HTTP chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


async def serve() -> None:
    """Serve until standard input ends; the first line printed is the address."""
    async with Model() as server:
        print(server.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
