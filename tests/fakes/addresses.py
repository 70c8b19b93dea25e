"""Addresses where nobody answers, on this machine alone: refusing, silent at the handshake, and without a name."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

NAMELESS = "nobody.invalid"


@contextmanager
def refusing() -> Iterator[str]:
    """Give an address that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def full() -> Iterator[str]:
    """Give an address whose queue of connections is full: the next one is neither taken nor refused."""
    with ExitStack() as open_ones:
        listening = open_ones.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(8):  # Linux lets in one more than it was told; the others wait for ever
            waiting = open_ones.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def nameless() -> Iterator[str]:
    """Give an address whose name the system's resolver does not know, without asking a server for it."""
    asked = socket.getaddrinfo

    def resolver(host: Any, *more: Any, **named: Any) -> Any:
        if host in (NAMELESS, NAMELESS.encode()):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return asked(host, *more, **named)

    with mock.patch.object(socket, "getaddrinfo", resolver):
        yield f"http://{NAMELESS}"


#: By name: the address, the fault's kind, and words of its line.
UNREACHABLE = {
    "refused": (refusing, "connection", "no connection to"),
    "connect timeout": (full, "timeout", "no connection to"),
    "no such name": (nameless, "connection", "Name or service not known"),
}
