"""Many sessions of one process on the loopback model: how late words are handed on, and what a session weighs.

Each word is the time of its writing, by a clock that both processes share; so what is measured begins at the server's
`write` and ends where a front end has the event. A bare socket reader under the same load shows how much of it is the
network's and the server's.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from agent_workbench.conversation.events import TextDelta, TurnFinished
from agent_workbench.conversation.messages import user
from agent_workbench.engine.loop import run_turn
from agent_workbench.engine.ports import Nobody
from agent_workbench.services.shared import SharedContext, open_workbench

sys.path.insert(0, str(Path(__file__).with_name("_peers")))

from measure import QUESTION, batches
from with_workbench import session as session_config

STAMP = 20
WARM_UP = 10
"""Turns before the first that counts: in the first second of a process, the table of prices is loaded beside them."""
CONFIG = """
bundle: {{name: measured}}
providers:
  - module: provider-chat-completions
    config: {{base_url: "{url}/v1", api_key: none, default_model: {model}}}
tools:
  - module: tool-todo
"""
PATHS = {"chat": "/v1/chat/completions"}

Lags = list[float]
Reader = Callable[[int], Awaitable[Lags]]


def main(arguments: Sequence[str]) -> None:
    """Run one measurement, named by the first argument; print JSON."""
    name, url, *numbers = arguments
    calls: dict[str, Any] = {"latency": latency, "first": first, "memory": memory, "stored": stored}
    print(json.dumps(asyncio.run(calls[name](url, *map(int, numbers)))))


# --- how late -----------------------------------------------------------------------------------------------------


async def latency(url: str, sessions: int, rate: int, seconds: int) -> dict[str, dict[str, float]]:
    """Return milliseconds from a word's writing to its event, for all sessions at once, by who reads."""
    model = f"paced-{rate}-{rate * seconds}"
    figures = {"socket": await together(sessions, lambda _: bare(url, model))}
    config = session_config(url, "chat", model)
    figures["engine"] = await together(sessions, lambda _: engine_turn(config))
    async with workbench(url, model) as (bench, new):
        ids = [await new() for _ in range(sessions)]
        figures["sessions"] = await together(sessions, lambda number: stored_turn(bench, ids[number]))
    return figures


async def first(url: str, turns: int) -> dict[str, dict[str, float]]:
    """Return milliseconds from the first word's writing to its event, one turn after another."""
    model = "paced-20-2"
    config = session_config(url, "chat", model)
    figures = {"socket": spread([(await bare(url, model))[0] for _ in range(turns)])}
    lags = [(await engine_turn(config))[0] for _ in range(WARM_UP + turns)]
    figures["engine"] = spread(lags[WARM_UP:])
    async with workbench(url, model) as (bench, new):
        ids = [await new() for _ in range(WARM_UP + turns)]
        lags = [(await stored_turn(bench, one))[0] for one in ids]
        figures["sessions"] = spread(lags[WARM_UP:])
    return figures


async def together(count: int, read: Reader) -> dict[str, float]:
    """Read as many streams at once; the first word of each is left out, because connections are made before it."""
    await read(0)
    begin, cpu = time.perf_counter(), time.process_time()
    found = await asyncio.gather(*(read(number) for number in range(count)))
    share = (time.process_time() - cpu) / (time.perf_counter() - begin)
    return {**spread([lag for lags in found for lag in lags[1:]]), "cpu_share": share}


async def bare(url: str, model: str) -> Lags:
    """Read a stream with nothing but a socket."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"model": model, "messages": []}).encode()
    writer.write(b"POST %s HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (PATHS["chat"].encode(), len(body), body))
    lags: Lags = []
    while not (data := await reader.read(65536)).endswith(b"0\r\n\r\n"):
        now = time.monotonic_ns()
        lags += [(now - int(stamp)) / 1e6 for stamp in re.findall(rb'"content": "(\d{20})"', data)]
    writer.close()
    return lags


async def engine_turn(config: object) -> Lags:
    """Read a stream with the loop alone."""
    lags: Lags = []
    async for event in run_turn([user("go")], config, Nobody()):  # type: ignore[arg-type]
        if isinstance(event, TextDelta):
            lags += late(event.text)
        elif isinstance(event, TurnFinished):
            assert event.status == "completed", event.error
    return lags


async def stored_turn(bench: SharedContext, session_id: str) -> Lags:
    """Read a stream as a front end does: everything is stored before it is shown as done."""
    lags: Lags = []
    async for event in bench.sessions.stream_message(session_id, "go"):
        if isinstance(event, TextDelta):
            lags += late(event.text)
        elif isinstance(event, TurnFinished):
            assert event.status == "completed", event.error
    return lags


def late(text: str) -> Lags:
    """Return how old each time in a text is, in milliseconds."""
    now = time.monotonic_ns()
    return [(now - int(text[place : place + STAMP])) / 1e6 for place in range(0, len(text), STAMP)]


def spread(lags: Lags) -> dict[str, float]:
    """Return the median and the slow end."""
    lags = sorted(lags)
    return {"p50_ms": lags[len(lags) // 2], "p95_ms": lags[int(len(lags) * 0.95)], "max_ms": lags[-1]}


# --- how much work ------------------------------------------------------------------------------------------------


async def stored(url: str, turns: int) -> dict[str, float]:
    """Return what a turn with three tool calls costs with all that is written down, in sessions of their own."""
    async with workbench(url, "stored") as (bench, new):

        async def turn() -> str:
            answer: str = (await bench.sessions.send_message(await new(), QUESTION))["response"]
            return answer

        return await batches(turn, turns)


# --- how heavy ----------------------------------------------------------------------------------------------------


async def memory(url: str, idle: int, running: int) -> dict[str, float]:
    """Return what one more session adds to the process's resident memory, in kB.

    An idle session has had a turn and is followed by a front end. A running one is in the middle of a reply.
    """
    async with workbench(url, "paced-500-20") as (bench, new):
        followers = [bench.sessions.follow(await played(bench, new)) for _ in range(20)]
        before = resident()
        followers += [bench.sessions.follow(await played(bench, new)) for _ in range(idle)]
        each_idle = (resident() - before) / idle
    async with workbench(url, "paced-10-60") as (bench, new):
        ids = [await new() for _ in range(running + 1)]
        await stored_turn(bench, ids.pop())
        before = resident()
        tasks = [asyncio.create_task(stored_turn(bench, one)) for one in ids]
        await asyncio.sleep(4)
        each_running = (resident() - before) / running
        await asyncio.gather(*tasks)
    return {"idle_kb": each_idle, "running_kb": each_running, "process_mb": resident() / 1000}


async def played(bench: SharedContext, new: Callable[[], Awaitable[str]]) -> str:
    """Return a session that has had a turn."""
    session_id = await new()
    await stored_turn(bench, session_id)
    return session_id


def resident() -> float:
    """Return the process's resident memory in kB (1,000 bytes), after a collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1000


@asynccontextmanager
async def workbench(url: str, model: str) -> AsyncIterator[tuple[SharedContext, Callable[[], Awaitable[str]]]]:
    """Open a workbench on a file of its own, with a call that makes a session."""
    with tempfile.TemporaryDirectory() as folder:
        bench = open_workbench(Path(folder) / "measured.db", workspace=Path(folder), samples=False)
        config = await bench.configs.create_config("measured", CONFIG.format(url=url, model=model))

        async def new() -> str:
            return (await bench.sessions.create_session(config.config_id)).session_id

        try:
            yield bench, new
        finally:
            with suppress(asyncio.CancelledError):
                await bench.close()


if __name__ == "__main__":
    main(sys.argv[1:])
