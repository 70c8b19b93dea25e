"""The application: routes, and what stands before them."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from agent_workbench import __version__
from agent_workbench.frontends.server import about, agents, completions, configs, failures, messages, sessions
from agent_workbench.frontends.server.access import require_token
from agent_workbench.frontends.server.callers import Callers
from agent_workbench.frontends.server.metrics import Measured, Metrics
from agent_workbench.frontends.server.running import Running
from agent_workbench.frontends.server.state import Server, ServerSettings
from agent_workbench.services.shared import SharedContext

#: What a client that bears the token may ask, with the failures that any of it may have.
OURS = (configs.router, sessions.router, messages.router, about.router)
OPENAIS = (agents.router, completions.router)
TAGS = [
    {"name": "configs", "description": "What agents are made of, as text."},
    {"name": "sessions", "description": "Conversations with agents."},
    {"name": "messages", "description": "Saying something, and following what happens."},
    {"name": "agents", "description": "The same configs, in a few fields."},
    {"name": "chat", "description": "OpenAI's protocol, with agents as models."},
    {"name": "server", "description": "The server itself."},
]


def make_app(bench: SharedContext, settings: ServerSettings) -> FastAPI:
    """Make the application over a workbench, which whoever opened it closes."""
    app = FastAPI(
        title="Agent Workbench",
        version=__version__,
        summary="Configs, sessions and agents of one workbench.",
        openapi_tags=TAGS,
        redirect_slashes=False,
        redoc_url=None,
    )
    limits, metrics = settings.limits, Metrics()
    running = Running(bench.sessions, most=limits.turns, approval_s=limits.approval_s, finished=metrics.finished)
    app.state.server = Server(bench, settings, running, metrics)
    failures.install(app)
    app.include_router(about.open_router)
    for routers, refused in (
        (OURS, failures.refusals(401, 403, 413, 422)),
        (OPENAIS, failures.openai_refusals(400, 401, 403, 413)),
    ):
        for router in routers:
            app.include_router(router, dependencies=[Depends(require_token)], responses=refused)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=settings.origins, allow_methods=["*"], allow_headers=["*"],
            expose_headers=["ETag", "X-Session-ID"],
        )  # fmt: skip
    app.add_middleware(Callers, hosts=settings.hosts, origins=settings.origins, body_bytes=limits.body_bytes)
    app.add_middleware(Measured, metrics=metrics)
    return app
