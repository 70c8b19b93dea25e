"""A real server on a database of its own, and clients that speak to it over a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from agent_workbench.frontends.server.serve import serve
from agent_workbench.frontends.server.state import Limits, ServerSettings
from agent_workbench.services.shared import SharedContext, open_workbench

TOKEN = "a-token-for-tests"


@dataclass(frozen=True)
class Served:
    """A server, and a client that bears its token."""

    url: str
    http: httpx2.AsyncClient
    bench: SharedContext

    async def config(
        self, *responses: Any, name: str = "scripted", tools: tuple[str, ...] = (), delay: float = 0
    ) -> str:
        """Store a config whose agent says what it is told to; return its id."""
        listed = "".join(f"  - module: {tool}\n" for tool in tools)
        text = (
            f"bundle: {{name: {name}}}\n"
            f"providers:\n  - module: provider-mock\n"
            f"    config: {{delay: {delay}, responses: {json.dumps(responses)}}}\n"
            + (f"tools:\n{listed}" if tools else "")
        )
        made = await self.http.post("/configs", json={"name": name, "yaml_content": text})
        assert made.status_code == 201, made.text
        return str(made.json()["config_id"])

    async def session(self, *responses: Any, **more: Any) -> str:
        """Start a session of such a config; return its id."""
        config_id = await self.config(*responses, **more)
        made = await self.http.post("/sessions", json={"config_id": config_id})
        assert made.status_code == 201, made.text
        return str(made.json()["session_id"])

    async def lines(self, path: str, said: dict[str, Any]) -> list[dict[str, Any]]:
        """Return all that a stream says."""
        async with self.http.stream("POST", path, json=said) as response:
            assert response.status_code == 200, await response.aread()
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            return [event async for event in told(response)]

    async def opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a socket."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return await asyncio.open_connection(host, int(port))

    def request(self, method: str, path: str, said: Any = None, *headers: str) -> bytes:
        """Return the bytes of a request."""
        body = b"" if said is None else json.dumps(said).encode()
        lines = (
            f"{method} {path} HTTP/1.1", f"Host: {self.url.removeprefix('http://')}", f"Authorization: Bearer {TOKEN}",
            "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", "",
        )  # fmt: skip
        return "\r\n".join(lines).encode() + body

    async def is_idle(self, session: str) -> bool:
        """Wait until nothing runs in a session, here and in the store; False where that takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                while not await self._is_stored_as_idle(session):
                    pass
                return True
        return False

    async def _is_stored_as_idle(self, session: str) -> bool:
        found = await self.bench.sessions.get_session(session)
        return found is not None and found.state == "idle" and not self.bench.sessions.is_running(session)


async def told(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """Yield what server-sent events say."""
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


@asynccontextmanager
async def served(
    folder: Path, *, token: str = TOKEN, limits: Limits | None = None, origins: tuple[str, ...] = ()
) -> AsyncIterator[Served]:
    """Run a server as `awb serve` does."""
    bench = await asyncio.to_thread(open_workbench, folder / "workbench.db", workspace=folder)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    settings = ServerSettings(token, origins=origins, limits=limits or Limits())
    serving = asyncio.create_task(serve(bench, settings, host="127.0.0.1", port=0, ready=address.set_result))
    try:
        await asyncio.wait([address, serving], return_when=asyncio.FIRST_COMPLETED)
        url = address.result()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=30) as http:
            yield Served(url, http, bench)
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await bench.close()
