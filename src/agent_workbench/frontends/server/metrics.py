"""What a server counts, for Prometheus."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_workbench.conversation.events import TurnFinished
from agent_workbench.conversation.usage import Usage

#: Methods that are counted by their names; a client may send any word.
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
#: The type that Prometheus asks for.
CONTENT_TYPE = CONTENT_TYPE_LATEST

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second figure for each, which nobody asked for


class Metrics:
    """One server's counters, in a registry of their own: two servers in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "awb_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "awb_request_seconds", "Time until an answer began.", ("method", "route"), registry=self.registry
        )
        self._turns = Counter("awb_turns", "Turns that ended, by how.", ("status",), registry=self.registry)
        self._tokens = Counter("awb_tokens", "Tokens that turns used.", ("kind",), registry=self.registry)
        self.running = Gauge("awb_turns_running", "Turns that run or wait now.", registry=self.registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)

    def finished(self, turn: TurnFinished) -> None:
        """Count a turn."""
        self._turns.labels(turn.status).inc()
        self._used(turn.usage)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self.registry)

    def _used(self, usage: Usage) -> None:
        for kind, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            self._tokens.labels(kind).inc(tokens or 0)


class Measured:
    """Middleware that counts requests by route, never by path: ids would make a figure of each."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                method = scope["method"] if scope["method"] in METHODS else "other"
                self._metrics.answered(method, route, message["status"], time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, counting)
