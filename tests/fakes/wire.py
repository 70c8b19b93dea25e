"""A model server on loopback that speaks the real wire formats, checks requests, and breaks where it is told to.

    async with WireServer(says("Hello")) as server:
        provider = make(base_url=server.url)
        ...
        assert server.requests[0].json["model"] == "fake-1"

Formats by path: `POST /v1/messages` (Anthropic Messages), `POST /v1/responses` (OpenAI Responses), `POST
/v1/chat/completions` (Chat Completions), `GET /v1/models`. Each POST takes the next scripted reply. A request that the
real API would refuse gets 400 in the real shape, takes no reply, and is listed in `refused`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any

from fakes import anthropic_format, chat_format, responses_format
from fakes.script import Broken, Refused, Reply, fails, says

__all__ = ["Broken", "Recorded", "Reply", "WireServer", "fails", "says"]

FORMATS: Mapping[str, ModuleType] = {
    "/v1/messages": anthropic_format,
    "/v1/responses": responses_format,
    "/v1/chat/completions": chat_format,
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it came; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class WireServer:
    """The server.

    `script` may be extended while it runs; an empty script answers 500 and says so. `arrived` is set by a request,
    `client_left` once a client has closed a connection while its reply stalled. A script that cannot be played fails
    the test when the server closes.
    """

    def __init__(self, *script: Reply, models: Iterable[str] = ("fake-2", "fake-1")) -> None:
        self.script = list(script)
        self.models = tuple(models)
        self.requests: list[Recorded] = []
        self.refused: list[str] = []
        self.connections = 0
        self.arrived = asyncio.Event()
        self.client_left = asyncio.Event()
        self._mistakes: list[AssertionError] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The root, without `/v1`."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> WireServer:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=2**26)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        if self._mistakes:
            raise self._mistakes[0]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                self.arrived.set()
                if not await self._answer(request, reader, writer):
                    break
        except AssertionError as mistake:
            self._mistakes.append(mistake)
        except ConnectionAbortedError:
            await _whole(writer, 400, {}, b"The plain HTTP request was sent to an HTTPS port, or the other way round")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone, as it may
        except asyncio.CancelledError:
            pass  # the server is closing; a cancelled handler would be reported as an error by asyncio
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, request: Recorded, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False ends the connection."""
        path = request.path.partition("?")[0]
        if request.method == "GET" and path.startswith("/v1/models"):
            return await _whole(writer, 200, {}, json.dumps(self._listing(request)).encode())
        wire = FORMATS.get(path)
        if wire is None:
            return await _whole(writer, 404, {"content-type": "text/plain"}, b"no such page")
        try:
            wire.check(request.json, request.headers)
        except Refused as refusal:
            self.refused.append(str(refusal))
            return await _whole(writer, 400, {}, wire.error("invalid", str(refusal)))
        reply = self.script.pop(0) if self.script else fails(500, message="the script is over")
        return await self._play(reply, wire, reader, writer)

    async def _play(
        self, reply: Reply, wire: ModuleType, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        headers = {"request-id": "req_fake", "x-request-id": "req_fake", **reply.headers}
        if reply.status != 200:
            body = wire.error(reply.error, reply.message) if reply.body is None else reply.body
            return await _whole(writer, reply.status, headers, body)
        body = reply.body
        if body is None:
            headers = {"content-type": "text/event-stream", **headers}
            first, *others = wire.stream(reply)
            body = b"".join([first, reply.broken.insert, *others])
        return await self._stream(headers, body, reply.broken, reader, writer)

    async def _stream(
        self, headers: Mapping[str, str], body: bytes, broken: Broken, reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:  # fmt: skip
        """Send a streamed response as it is told to break; False ends the connection."""
        cut, stall = _place(broken.cut, body), _place(broken.stall, body)
        if stall is not None and stall < 0:
            await self._hold(broken, reader)
        if cut is not None and cut < 0:
            return _end(writer, broken)
        writer.write(_head(200, {**headers, "transfer-encoding": "chunked"}))
        sent, end = 0, len(body) if cut is None else min(cut, len(body))
        if stall is not None and stall >= 0:
            sent = min(stall, end)
            await _chunks(writer, body[:sent], broken.split)
            await self._hold(broken, reader)
        await _chunks(writer, body[sent:end], broken.split)
        if cut is not None and broken.ending != "clean":
            return _end(writer, broken)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _hold(self, broken: Broken, reader: asyncio.StreamReader) -> None:
        """Wait until released, or until the client has had enough."""
        waiting = [asyncio.ensure_future(broken.release.wait()), asyncio.ensure_future(reader.read(1))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not broken.release.is_set():
                self.client_left.set()
                raise ConnectionResetError("the client left")
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _listing(self, request: Recorded) -> dict[str, Any]:
        if "anthropic-version" in request.headers:
            return anthropic_format.listing(self.models)
        rows = [{"id": name, "object": "model", "created": 1, "owned_by": "fake"} for name in self.models]
        return {"object": "list", "data": rows}


async def _read(reader: asyncio.StreamReader) -> Recorded | None:
    head = await reader.read(1)
    if head == b"\x16":
        raise ConnectionAbortedError("a TLS handshake")
    if not head:
        return None
    head += await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Recorded(method, path, headers, body)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Fake", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _whole(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], body: bytes) -> bool:
    everything = {"content-type": "application/json", **headers, "content-length": str(len(body))}
    writer.write(_head(status, everything) + body)
    await writer.drain()
    return True


def _place(place: int | bytes | None, body: bytes) -> int | None:
    if isinstance(place, bytes):
        found = body.find(place)
        assert found >= 0, f"the reply does not contain {place!r}"
        return found + len(place)
    return place


async def _chunks(writer: asyncio.StreamWriter, data: bytes, size: int) -> None:
    for start in range(0, len(data), size or len(data) or 1):
        piece = data[start : start + (size or len(data))]
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()


def _end(writer: asyncio.StreamWriter, broken: Broken) -> bool:
    if broken.ending == "reset":
        # With a linger time of zero, closing sends RST instead of FIN.
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False
