"""One connection to an MCP server: made at first use, in a task of its own, and made anew when the server died."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from agent_workbench.engine.tools.descendants import Descendants
from agent_workbench.engine.tools.mcp_servers import Server
from agent_workbench.engine.tools.processes import stop_group
from agent_workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import httpx2
    from mcp import Client
    from mcp_types import CallToolResult, Tool

MAX_LINE = 10_000_000
"""Bytes of one message; a server that sends more is ended, before it fills the memory."""
MAX_MESSAGES = 2000
"""Lines that a server may send within a second; whoever sends more is ended. Each request of its own that the SDK
answers costs 10 kB until the answer is taken, so a server that asks and never reads would fill the memory."""
MAX_TOOLS = 200
MAX_PAGES = 20
MAX_BACKOFF_S = 60.0
STOP_S = 3.0
"""How long a connection may take to close."""
STDERR_LINES = 20

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class ServerFailed(WorkbenchError):
    """An MCP server that cannot be reached, died, or answered nonsense."""

    title = "The MCP server failed"


class Link:
    """A server's connection. Safe to use from several calls at once, on one event loop."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._lock = asyncio.Lock()
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self.connections = 0
        """How often it was connected."""
        self._failures = 0
        self._retry_at = 0.0
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)

    @property
    def alive(self) -> bool:
        """Whether it is connected now, as far as is known."""
        held = self._task is not None and not self._task.done()
        return held and self._client is not None and not self._ended.is_set()

    async def connect(self) -> None:
        """Connect where there is no connection.

        Raises:
            ServerFailed: If that does not work, or the server died a moment ago and is left alone for a while.
        """
        async with self._lock:
            if self.alive:
                return
            await self._gone()
            wait = self._retry_at - time.monotonic()
            if wait > 0:
                raise ServerFailed(f"{self.server.name} died and is started again in {wait:.0f} s at the earliest")
            await self._start()

    async def tools(self) -> tuple[Tool, ...]:
        """Return what the server offers, at most `MAX_TOOLS`.

        Raises:
            ServerFailed: If it does not answer.
        """
        found: list[Tool] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._asked("list_tools", {"cursor": cursor}, self.server.connect_timeout)
            found += page.tools
            cursor = page.next_cursor
            if not cursor or len(found) >= MAX_TOOLS:
                break
        return tuple(found[:MAX_TOOLS])

    async def call(self, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """Call a tool.

        Raises:
            ServerFailed: If the server dies, does not answer in time, or answers with an error of the protocol.
        """
        asked = {"name": name, "arguments": dict(arguments)}
        result: CallToolResult = await self._asked("call_tool", asked, self.server.timeout)
        self._failures = 0
        return result

    async def close(self) -> None:
        """End the connection and the server's process. Safe to call twice."""
        async with self._lock:
            await self._stop()

    # --- inside

    async def _asked(self, method: str, arguments: dict[str, Any], seconds: float) -> Any:
        await self.connect()
        client, task = self._client, self._task
        assert client is not None
        assert task is not None
        asking = asyncio.ensure_future(getattr(client, method)(**arguments))
        try:
            await asyncio.wait({asking, task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
        except Exception as error:  # a server is other people's code, and so is what the SDK makes of its answers
            if self._ended.is_set():
                await asyncio.wait({task}, timeout=STOP_S)  # until its last words are read
                raise self._over(task) from error
            raise ServerFailed(f"{self.server.name}: {self._cause(error)}{self._last_words(task)}") from error
        finally:
            if not asking.done():
                asking.cancel()
                await asyncio.wait({asking}, timeout=STOP_S)
            if asking.done() and not asking.cancelled():
                asking.exception()  # taken note of, whatever it was
        if task.done():
            raise self._over(task)
        raise ServerFailed(f"{self.server.name} did not answer within {seconds:g} seconds")

    async def _start(self) -> None:
        self._ended = asyncio.Event()
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        task = self._task = asyncio.create_task(self._run(ready), name=f"MCP server {self.server.name}")
        try:
            both: set[asyncio.Future[Any]] = {ready, task}
            await asyncio.wait(both, timeout=self.server.connect_timeout, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                self._client = ready.result()
                self.connections += 1
                return
        except Exception as error:  # whatever connecting came to
            self._failed()
            raise ServerFailed(
                f"{self.server.name} cannot be reached: {self._cause(error)}{self._last_words()}"
            ) from error
        finally:
            if self._client is None:
                ready.cancel()
                await self._stop()
        self._failed()
        seconds = self.server.connect_timeout
        raise ServerFailed(f"{self.server.name} did not answer within {seconds:g} seconds{self._last_words()}")

    async def _run(self, ready: asyncio.Future[Client]) -> None:
        """Hold the connection open: what the SDK opens in a task, it closes in the same one."""
        try:
            from mcp import Client  # 600 ms, for those who use it
            from mcp_types import Implementation

            async with AsyncExitStack() as stack:
                transport = await self._transport(stack)
                info = Implementation(name="agent-workbench", version=version("agent-workbench"))
                client = await stack.enter_async_context(Client(transport, client_info=info, cache=None))
                if not ready.done():
                    ready.set_result(client)
                await self._ended.wait()
        except Exception as error:  # noqa: BLE001 - the SDK raises whatever a server made it stumble over
            if not ready.done():
                ready.set_exception(error)

    async def _transport(self, stack: AsyncExitStack) -> Any:
        if self.server.kind == "command":
            return self._process()
        from mcp.client.streamable_http import streamable_http_client
        from mcp.shared._httpx_utils import create_mcp_http_client

        headers = {**self.server.headers, "Accept-Encoding": "identity"}  # a compressed answer could be any size
        client = create_mcp_http_client(headers=headers)
        client.event_hooks["response"].append(bound)
        await stack.enter_async_context(client)
        return streamable_http_client(self.server.url, http_client=client)

    @asynccontextmanager
    async def _process(self) -> AsyncGenerator[Any, None]:
        """Run the server's program, and speak to it in lines. Afterwards its group is gone, and what left that."""
        import anyio

        server, descendants = self.server, Descendants()
        environment = {**server.environment(), **descendants.environment}
        process = await asyncio.create_subprocess_exec(
            *server.command, cwd=server.cwd, env=environment, start_new_session=True, limit=MAX_LINE,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        came, heard = anyio.create_memory_object_stream[Any](0)
        said, leaving = anyio.create_memory_object_stream[Any](0)
        tasks = [
            asyncio.create_task(self._hear(process, came)),
            asyncio.create_task(self._say(process, leaving)),
            asyncio.create_task(self._listen(process)),
        ]
        try:
            yield heard, said
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for stream in (came, heard, said, leaving):
                stream.close()
            if process.stdin is not None:
                process.stdin.close()
            await stop_group(process, descendants)

    async def _hear(self, process: asyncio.subprocess.Process, came: Any) -> None:
        from mcp.shared.message import SessionMessage
        from mcp_types import jsonrpc_message_adapter

        assert process.stdout is not None
        since, lines = time.monotonic(), 0
        try:
            async for line in process.stdout:
                lines += 1
                if lines > MAX_MESSAGES:
                    if time.monotonic() - since < 1:
                        self._stderr.append(f"it sent more than {MAX_MESSAGES:,} lines within a second")
                        return
                    since, lines = time.monotonic(), 0
                try:
                    message = jsonrpc_message_adapter.validate_json(valid_line(line), by_name=False)
                except (ValueError, RecursionError):
                    continue  # servers print all kinds of things; what is no message is nothing
                await came.send(SessionMessage(message))
        except ValueError:
            self._stderr.append(f"it sent more than {MAX_LINE:,} bytes in one line")
        finally:
            self._ended.set()
            came.close()

    async def _say(self, process: asyncio.subprocess.Process, leaving: Any) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            async for one in leaving:
                process.stdin.write(one.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await process.stdin.drain()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Keep the last of what the server says on its standard error."""
        assert process.stderr is not None
        while piece := await process.stderr.read(4096):
            lines = piece.decode("utf-8", "replace").splitlines()
            self._stderr.extend(line[:300] for line in lines if line.strip())

    async def _gone(self) -> None:
        """Take note of a connection that ended by itself."""
        if self._task is not None:
            self._failed()
            await self._stop()

    def _failed(self) -> None:
        self._failures += 1
        self._retry_at = time.monotonic() + min(MAX_BACKOFF_S, 2.0 ** (self._failures - 2))

    async def _stop(self) -> None:
        task, connected = self._task, self._client is not None
        self._task, self._client = None, None
        if task is None:
            return
        self._ended.set()
        if connected:
            await asyncio.wait({task}, timeout=STOP_S)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=STOP_S)

    def _over(self, task: asyncio.Task[None]) -> ServerFailed:
        words = f"{self.server.name} ended while it was asked; the next call connects again"
        return ServerFailed(words + self._last_words(task))

    def _last_words(self, task: asyncio.Task[None] | None = None) -> str:
        if task is not None and not task.done():
            return ""
        said = self.server.without_secrets(" / ".join(self._stderr))
        return f". It said: {said}"[:1000] if said else ""

    def _cause(self, error: BaseException) -> str:
        """Return the words of an error; of a group, those of the first in it."""
        while isinstance(error, BaseExceptionGroup) and error.exceptions:
            error = error.exceptions[0]
        return f"{type(error).__name__}: {self.server.without_secrets(str(error))}"[:500].rstrip(": ")


async def bound(response: httpx2.Response) -> None:
    """Let a response of HTTP end in an error once it has more than `MAX_LINE` bytes. The events of a stream may go on.

    Raises:
        httpx2.ReadError: If it is compressed, which was not asked for.
    """
    import httpx2

    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.ReadError("the answer is compressed, which was not asked for")
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        return  # the SDK bounds each event
    source: Any = response.stream

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            room = MAX_LINE
            async for piece in source:
                room -= len(piece)
                if room < 0:
                    raise httpx2.ReadError(f"the answer has more than {MAX_LINE:,} bytes")
                yield piece

        async def aclose(self) -> None:
            await source.aclose()

    response.stream = Bounded()


def valid_line(line: bytes) -> bytes:
    """Return a line with escapes of lone surrogates replaced: a text that was cut within an emoji has one."""
    if not _SURROGATE.search(line):
        return line
    return json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8", "replace")
