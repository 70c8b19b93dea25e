"""What all requests share: the workbench, the limits, and the turns that run for clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from agent_workbench.frontends.server.callers import LOCAL
from agent_workbench.frontends.server.metrics import Metrics
from agent_workbench.frontends.server.running import Running
from agent_workbench.services.shared import SharedContext


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server takes on."""

    body_bytes: int = 1024 * 1024
    turns: int = 64
    """How many turns run for clients at a time."""
    approval_s: float = 60.0
    """How long a permission question waits for a client's answer before it is denied."""
    patience_s: float = 30.0
    """How long a client may take to send a request, and to take what waits for it, before it is cut off."""
    connections: int = 500
    """How many connections are open at a time; more are told 503. Each is a file, of which a process may have 1024."""
    idle_s: float | None = None
    """After how long without a message a session that a client began is closed; None keeps all open."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server is reached. Without a `token` everybody who reaches it may do everything."""

    token: str = ""
    hosts: tuple[str, ...] = LOCAL
    """The `Host` names that are answered: a page of another name that resolves to us is not."""
    origins: tuple[str, ...] = ()
    """The web pages that may call us from a browser."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Server:
    """One running server."""

    bench: SharedContext
    settings: ServerSettings
    running: Running
    metrics: Metrics


def _server(request: Request) -> Server:
    server: Server = request.app.state.server
    return server


def _bench(request: Request) -> SharedContext:
    return _server(request).bench


TheServer = Annotated[Server, Depends(_server)]
Bench = Annotated[SharedContext, Depends(_bench)]
