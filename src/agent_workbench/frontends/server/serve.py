"""Running the server: addresses, and a clean end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socket import IPPROTO_TCP, TCP_NODELAY, socket

import uvicorn

from agent_workbench.errors import UsageError
from agent_workbench.frontends.server.app import make_app
from agent_workbench.frontends.server.connection import connections
from agent_workbench.frontends.server.idle import close_idle
from agent_workbench.frontends.server.state import ServerSettings
from agent_workbench.services.shared import SharedContext

#: Seconds that answers which have begun may take when the server is told to end.
LAST_SECONDS = 3


async def serve(
    bench: SharedContext, settings: ServerSettings, *, host: str, port: int, ready: Callable[[str], None]
) -> None:
    """Answer requests until cancelled, then end what has begun; `ready` gets the address once it is taken.

    Raises:
        UsageError: If the address cannot be taken.
    """
    limits = settings.limits
    config = uvicorn.Config(
        make_app(bench, settings), host=host, port=port, log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=LAST_SECONDS, ws="none", lifespan="off", limit_concurrency=limits.connections,
        http=connections(limits.patience_s),
    )  # fmt: skip
    try:
        listening = config.bind_socket()
    except SystemExit:  # uvicorn has said why in its log
        taken = f"{host}:{port} cannot be listened on; is another server running? --port takes another"
        raise UsageError(taken) from None
    idle = asyncio.create_task(close_idle(bench.sessions, limits.idle_s), name="close idle sessions")
    try:
        # Connections take it from here. Without, each answer waits 40 ms for the client's acknowledgement of its head:
        # asyncio sets it only for sockets that were made with the protocol's number, which uvicorn leaves out.
        listening.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        listening.listen(config.backlog)  # who reads the address may call at once
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{listening.getsockname()[1]}")
        await _until_cancelled(_Server(config), listening, bench)
    finally:
        listening.close()
        idle.cancel()
        with suppress(asyncio.CancelledError):
            await idle


class _Server(uvicorn.Server):
    """Leaves signals to the program: it closes the workbench, too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _until_cancelled(server: uvicorn.Server, listening: socket, bench: SharedContext) -> None:
    """Serve; when cancelled, take no more, stop the turns, and let who waits for them hear of it."""
    serving = asyncio.create_task(server.serve([listening]), name="serve")
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await bench.sessions.close()
        await serving
        raise
