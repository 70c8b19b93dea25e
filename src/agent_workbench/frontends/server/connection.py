"""One client's connection, cut where the client is too slow: nothing of ours waits for ever for it."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """Gives a request `patience_s` seconds from its first byte to its last, and a client as long to take what waits.

    A client that is cut off is one that went away: the turn that it streamed is cancelled.
    """

    patience_s = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading = _Patience(self)
        self._writing = _Patience(self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._reading.begin()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._reading.begin()
        else:
            self._reading.end()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing.begin()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._writing.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reading.end()
        self._writing.end()
        super().connection_lost(exc)


class _Patience:
    """Cuts a connection a while after it began, unless it ends before."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        if self._timer is None:
            cut = self._connection.transport.abort
            self._timer = self._connection.loop.call_later(self._connection.patience_s, cut)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def connections(patience_s: float) -> type[Connection]:
    """Return connections that wait so long."""
    return type("Connection", (Connection,), {"patience_s": patience_s})
