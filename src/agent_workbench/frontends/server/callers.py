"""Which requests are taken: under a name of ours, from no web page but those that are named, and of a bearable size.

A page that points its own name at us is told by its `Host`; one that lets a browser post to us, by its `Origin`. Both
hold where no token is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_workbench.errors import UsageError
from agent_workbench.frontends.server.failures import answer

#: The names under which a program on the same machine reaches us.
LOCAL = ("127.0.0.1", "localhost", "::1")
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:/?#@*\s]+))(?::\d{1,5})?", re.IGNORECASE)


class Callers:
    """Middleware that refuses all others, in the shape of our failures."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], origins: Collection[str], body_bytes: int) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._hosts = frozenset(_plain(host) for host in hosts)
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(Headers(scope=scope))
        if refusal is None:
            await self._app(scope, self._bounded(receive), send)
        else:
            status, words = refusal
            await answer(Request(scope), status, words)(scope, receive, send)

    def _bounded(self, receive: Receive) -> Receive:
        """Count what comes: not every body says how large it is."""
        left = self._body_bytes

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, self._too_large)
            return message

        return bounded

    @property
    def _too_large(self) -> str:
        return f"the body is larger than {self._body_bytes:,} bytes"

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if name_in(host) not in self._hosts:
            return 400, "this server does not answer under that name (Host); `--allow-host` lets it"
        if origin is not None and origin not in self._origins and origin.lower() != f"http://{host.lower()}":
            return 403, "web pages of that origin may not call this server; `--allow-origin` lets them"
        size = headers.get("content-length", "")
        return (413, self._too_large) if size.isdecimal() and int(size) > self._body_bytes else None


def name_in(host: str) -> str:
    """Return the name in a `Host` header in its plain form, `""` where there is none: `[::1]:80` is `::1`."""
    found = _HOST.fullmatch(host)
    return _plain(found[1] or found[2]) if found else ""


def names_of(host: str, more: Iterable[str]) -> tuple[str, ...]:
    """Return the names that a server at an address answers to.

    Raises:
        UsageError: If one of `more` is no name.
    """
    for name in more:
        if not (name_in(name) or name_in(f"[{name}]")):
            raise UsageError(f"--allow-host takes the name that clients use, such as box.local, not {name!r}")
    return tuple(dict.fromkeys((*LOCAL, _plain(host), *(name_in(name) or _plain(name) for name in more))))


def _plain(name: str) -> str:
    bare = name.strip("[]").lower().rstrip(".")
    try:
        return str(ip_address(bare))
    except ValueError:
        return bare
