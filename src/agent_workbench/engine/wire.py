"""What went over the wire to model servers lately: each request as it was sent, each answer as it arrived.

Kept in memory for whoever looks for a fault, never stored. Bounded: `MOST` exchanges of at most twice `LONGEST`
characters. Taking an event is an append; secrets of the headers become dots before anything is kept, those of the
bodies when they are shown.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agent_workbench.configs.secrets import DOTS, is_secret_key

MOST = 40
LONGEST = 128 * 1024
"""Characters that are kept of a request, and of an answer: half from its beginning and half from its end."""
_HALF = LONGEST // 2
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


@dataclass(frozen=True, slots=True)
class Arrived:
    """A piece of an answer: an event of its stream, or (without a name) a body that is none."""

    after_s: float
    """Seconds since the request began."""
    name: str
    data: str


@dataclass
class Exchange:
    """One attempt: what was sent, and what came of it. `request` and `answered` take the HTTP library's own objects."""

    session_id: str
    provider: str
    model: str = ""
    hidden: Callable[[str], str] = field(default=str, repr=False)
    """Returns a text with what is sent in secret as dots."""
    own_headers: frozenset[str] = frozenset()
    """Names of the headers that the config sets, whose values nobody shows."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    status: int | None = None
    answered_s: float | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""
    error: str = ""
    ended_s: float | None = None
    left_out: int = 0
    """How many pieces in the middle of a long answer were not kept."""

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._head: list[Arrived] = []
        self._tail: deque[Arrived] = deque()
        self._head_size = self._tail_size = 0

    def request(self, sent: Any) -> None:
        """Keep a request."""
        self.method, self.url = str(sent.method), self.hidden(str(sent.url))
        self.headers = self._shown(sent.headers.multi_items())
        self.body = self.hidden(_bounded(sent.content))

    def answered(self, response: Any) -> None:
        """Keep the head of an answer, and the request that it answers."""
        self.request(response.request)
        self.status, self.answered_s = int(response.status_code), self._passed()
        self.answer_headers = self._shown(response.headers.multi_items())
        self.request_id = response.headers.get("request-id") or response.headers.get("x-request-id") or ""

    def take(self, name: str, data: str) -> None:
        """Keep a piece of the answer; of a long one the pieces in the middle are let go."""
        if len(data) > _HALF:
            data = _bounded(data.encode(errors="replace"), _HALF)
        piece = Arrived(self._passed(), name, data)
        if not self._tail and self._head_size + len(data) <= _HALF:
            self._head.append(piece)
            self._head_size += len(data)
            return
        self._tail.append(piece)
        self._tail_size += len(data)
        while self._tail_size > _HALF and len(self._tail) > 1:
            self._tail_size -= len(self._tail.popleft().data)
            self.left_out += 1

    def end(self, error: str = "") -> None:
        """Say that nothing more comes, and why where something went wrong."""
        self.ended_s, self.error = self._passed(), self.hidden(error)

    @property
    def arrived(self) -> tuple[Arrived, ...]:
        """The pieces that are kept, in order."""
        return (*self._head, *self._tail)

    def _passed(self) -> float:
        return time.monotonic() - self._began

    def _shown(self, items: Iterable[tuple[str, str]]) -> dict[str, str]:
        shown: dict[str, str] = {}
        for name, value in items:
            key = name.lower()
            secret = key in _SECRET_HEADERS or key in self.own_headers or is_secret_key(key)
            said = DOTS if secret else self.hidden(value)
            shown[key] = f"{shown[key]}, {said}" if key in shown else said
        return shown


class Wire:
    """The newest exchanges of a process."""

    def __init__(self) -> None:
        self._kept: deque[Exchange] = deque(maxlen=MOST)

    def keep(self, exchange: Exchange) -> None:
        """Keep an exchange that begins; the oldest goes for it."""
        self._kept.append(exchange)

    def of(self, session_id: str) -> Iterator[Exchange]:
        """Yield the exchanges of a session, oldest first."""
        return (one for one in tuple(self._kept) if one.session_id == session_id)


def _bounded(content: bytes, most: int = LONGEST) -> str:
    if len(content) <= most:
        return content.decode("utf-8", "replace")
    half = most // 2
    left_out = f"\n… {len(content) - 2 * half:,} bytes are not kept …\n"
    return content[:half].decode("utf-8", "replace") + left_out + content[-half:].decode("utf-8", "replace")
