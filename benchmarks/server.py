"""What the server adds: requests a second, the time to a stream's first word, and how late many streams are.

Server, bare route and clients share one process and one event loop, so what counts are the ratios. The bare route is
a FastAPI application that returns one small object; streams are held against the same turns without HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI

from agent_workbench.conversation.events import TextDelta
from agent_workbench.frontends.server.serve import serve
from agent_workbench.frontends.server.state import ServerSettings
from agent_workbench.services.shared import SharedContext, open_workbench

TOKEN = "a-token-for-benchmarks"
#: Words of each of the streams that run at once, and seconds between two.
WORDS, EVERY_S = 60, 0.05


def main(arguments: list[str]) -> int:
    """Measure and print, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks server")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--requests", type=int, default=500, help="requests in each batch")
    parser.add_argument("--turns", type=int, default=30, help="streams, one after the other")
    parser.add_argument("--streams", type=int, default=50, help="streams at once")
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder), options))
    report = {**vars(options), "cores": os.cpu_count(), "load_before": load, "figures": figures}
    print(json.dumps(report, indent=2)) if options.json else show(figures)
    return 0


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return all figures."""
    bench = await asyncio.to_thread(open_workbench, folder / "bench.db", workspace=folder, samples=False)
    try:
        async with ours(bench) as http, bare() as route:
            config = await scripted(bench, "one", 0)
            first = await firsts(bench, http, config, options.turns)
            return {
                "requests": await requests(http, f"/configs/{config}", route, options.requests),
                "first_word": first,
                "late": await lateness(bench, http, options.streams),
            }
    finally:
        await bench.close()


def show(figures: dict[str, dict[str, float]]) -> None:
    """Print the figures for people."""
    headings = {
        "requests": "GET /configs/{id} and a bare route, requests a second, one after the other",
        "first_word": "ms from saying something to the first word, over HTTP and without",
        "late": f"ms between two words that should be {EVERY_S * 1000:.0f} ms apart, beyond those",
    }
    for name, values in figures.items():
        print(headings[name], *(f"  {key:<16} {value:10.2f}" for key, value in values.items()), sep="\n")


# --- what is measured ---------------------------------------------------------------------------------------------


async def requests(http: httpx2.AsyncClient, path: str, route: httpx2.AsyncClient, count: int) -> dict[str, float]:
    """Return requests a second of ours and of the bare route, in turns: what disturbs one disturbs the other."""
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(5):
        for name, client, where in (("ours", http, path), ("bare", route, "/")):
            began = time.perf_counter()
            for _ in range(count // 5):
                (await client.get(where)).raise_for_status()
            rates[name].append(count / 5 / (time.perf_counter() - began))
    found = {name: statistics.median(values) for name, values in rates.items()}
    return {**found, "ratio": found["ours"] / found["bare"]}


async def firsts(bench: SharedContext, http: httpx2.AsyncClient, config: str, turns: int) -> dict[str, float]:
    """Return the medians of the time to the first word, in sessions of their own."""
    found: dict[str, list[float]] = {"http": [], "engine": []}
    for _ in range(turns):
        for name, words in (("http", over_http), ("engine", without)):
            session = (await bench.sessions.create_session(config)).session_id
            began = time.perf_counter()
            async with aclosing(words(bench, http, session)) as times:
                found[name].append((await anext(times) - began) * 1000)
    medians = {name: statistics.median(values) for name, values in found.items()}
    return {**medians, "added": medians["http"] - medians["engine"], "ratio": medians["http"] / medians["engine"]}


async def lateness(bench: SharedContext, http: httpx2.AsyncClient, streams: int) -> dict[str, float]:
    """Return how late words are at the 95th percentile when many streams run at once, over HTTP and without."""
    config = await scripted(bench, "many", EVERY_S)
    found = {}
    for name, words in (("http", over_http), ("engine", without)):
        gaps = await asyncio.gather(*(_gaps(bench, http, config, words) for _ in range(streams)))
        late = [max(gap - EVERY_S, 0) * 1000 for stream in gaps for gap in stream]
        found[f"{name}_p50"], found[f"{name}_p95"] = statistics.median(late), statistics.quantiles(late, n=20)[-1]
    return {**found, "ratio_p95": found["http_p95"] / found["engine_p95"]}


Words = Callable[[SharedContext, httpx2.AsyncClient, str], Any]


async def _gaps(bench: SharedContext, http: httpx2.AsyncClient, config: str, words: Words) -> list[float]:
    session = (await bench.sessions.create_session(config)).session_id
    times = [moment async for moment in words(bench, http, session)]
    return [after - before for before, after in pairwise(times)]


async def over_http(bench: SharedContext, http: httpx2.AsyncClient, session: str) -> AsyncIterator[float]:
    """Yield when each word came out of a stream."""
    async with http.stream("POST", f"/sessions/{session}/stream", json={"message": "go"}) as response:
        async for line in response.aiter_lines():
            if '"text_delta"' in line:
                yield time.perf_counter()


async def without(bench: SharedContext, http: httpx2.AsyncClient, session: str) -> AsyncIterator[float]:
    """Yield when each word came out of the services themselves."""
    async with aclosing(bench.sessions.stream_message(session, "go")) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                yield time.perf_counter()


# --- what it is measured with -------------------------------------------------------------------------------------


async def scripted(bench: SharedContext, name: str, delay: float) -> str:
    """Store a config whose agent says the same words to whoever asks; return its id."""
    words = " ".join(["word"] * WORDS)
    text = (
        f"bundle: {{name: {name}}}\nproviders:\n  - module: provider-mock\n"
        f"    config: {{delay: {delay}, responses: ['{words}']}}\n"
    )
    return (await bench.configs.create_config(name, text)).config_id


@asynccontextmanager
async def ours(bench: SharedContext) -> AsyncIterator[httpx2.AsyncClient]:
    """Run the server and give a client."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    work = serve(bench, ServerSettings(TOKEN), host="127.0.0.1", port=0, ready=address.set_result)
    async with running(work), client(await address) as http:
        yield http


@asynccontextmanager
async def bare() -> AsyncIterator[httpx2.AsyncClient]:
    """Run a FastAPI application of one route and give a client."""
    app = FastAPI()

    @app.get("/")
    async def answer() -> dict[str, str]:
        return {"answer": "yes"}

    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False, lifespan="off")
    listening = config.bind_socket()
    listening.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    listening.listen()
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listening]))  # without its hold on this program's signals
    try:
        async with client(f"http://127.0.0.1:{listening.getsockname()[1]}") as http:
            yield http
    finally:
        server.should_exit = True
        await task
        listening.close()


def client(url: str) -> httpx2.AsyncClient:
    """Return a client that may open a connection for each stream."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
    return httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60, limits=limits)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something until this is left."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
