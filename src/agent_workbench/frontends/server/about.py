"""What the server says of itself."""

from __future__ import annotations

import asyncio
import platform
from importlib.metadata import version as installed
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from agent_workbench import __version__
from agent_workbench.errors import StorageError
from agent_workbench.frontends.server.metrics import CONTENT_TYPE
from agent_workbench.frontends.server.state import Bench, TheServer

open_router = APIRouter(tags=["server"])
router = APIRouter(tags=["server"])


@open_router.get("/health", response_model=None)
async def health(bench: Bench) -> dict[str, Any] | JSONResponse:
    """Say whether the server and its database answer. Needs no token and tells nothing else."""
    try:
        await bench.version()
    except StorageError:
        is_well = False
    else:
        is_well = await asyncio.to_thread(bench.database.exists)  # a file that was deleted answers to who has it open
    if is_well:
        return {"status": "ok", "database": "ok"}
    return JSONResponse({"status": "failed", "database": "failed"}, 503)


@router.get("/")
async def service() -> dict[str, Any]:
    """Say what this is."""
    return {"service": "agent-workbench", "version": __version__, "docs": "/docs", "openapi": "/openapi.json"}


@router.get("/version")
async def versions() -> dict[str, Any]:
    """Return the versions that a report of a fault needs."""
    libraries = {name: installed(name) for name in ("anthropic", "openai", "mcp", "fastapi", "uvicorn", "pydantic")}
    return {"version": __version__, "python": platform.python_version(), "libraries": libraries}


@router.get("/metrics", response_class=Response)
async def metrics(server: TheServer) -> Response:
    """Return what is counted, as Prometheus reads it."""
    server.metrics.running.set(server.running.count)
    return Response(server.metrics.text(), media_type=CONTENT_TYPE)
