"""`/configs`: what agents are made of. Every edit keeps each byte that it is not about."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, HTTPException, Query, Response

from agent_workbench.errors import NotFound
from agent_workbench.frontends.server.bodies import (
    ConfigChange,
    Json,
    Limit,
    NewConfig,
    Offset,
    Reference,
    Search,
    Yaml,
)
from agent_workbench.frontends.server.failures import refusals
from agent_workbench.frontends.server.state import Bench, Server, TheServer
from agent_workbench.services.links import given_tags
from agent_workbench.services.shapes import config_to_json, plan_to_json, revision_to_json
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Config

router = APIRouter(prefix="/configs", tags=["configs"])
one = APIRouter(prefix="/{config_id}", responses=refusals(404))

Source = Annotated[Reference | None, Query(description="Where the module comes from, if it is not installed.")]
ModuleConfig = Annotated[Json | None, Body(description="The module's config.")]
_TAG = re.compile(r'(?:W/)?"([0-9]{1,15})"')


@router.post("", status_code=201, responses=refusals(400))
async def create(bench: Bench, body: NewConfig) -> dict[str, Any]:
    """Store a config. Includes that cannot be resolved yet are accepted and stand in `problems`."""
    tags = given_tags({}, body.tags)
    made = await bench.configs.create_config(body.name, body.yaml_content, body.description, tags)
    found = await asyncio.to_thread(bench.configs.validate, made.yaml_content, name=made.name, fetch=False)
    problems = [problem.to_json() for problem in found]
    return {**config_to_json(made), "problems": problems, "message": f"stored {made.name}"}


@router.get("")
async def listed(
    bench: Bench, limit: Limit = 50, offset: Offset = 0, q: Search = "", tag: Search = ""
) -> dict[str, Any]:
    """List configs without their texts, newest first; `q` searches them, `tag` is `key` or `key=value`."""
    found, total = await bench.configs.list_configs(limit, offset, q=q, tag=tag)
    return {"configs": [config_to_json(one) for one in found], "total": total}


@router.post("/validate")
async def validate(bench: Bench, body: Yaml) -> dict[str, Any]:
    """List all problems of a text, worst first, with their places."""
    found = await asyncio.to_thread(bench.configs.validate, body.yaml_content)
    return {"problems": [problem.to_json() for problem in found]}


@one.get("")
async def get(bench: Bench, config_id: str, response: Response) -> dict[str, Any]:
    """Return a config with its text as it is stored; the `ETag` is its revision."""
    return _answered(await _found(bench, config_id), response)


@one.put("", responses=refusals(400, 409))
async def change(
    bench: Bench,
    config_id: str,
    body: ConfigChange,
    response: Response,
    if_match: Annotated[str | None, Header(description="The revision that the change started from.")] = None,
) -> dict[str, Any]:
    """Change what is given. With `If-Match`, only where nobody saved in between."""
    given = body.model_dump(exclude_unset=True)
    if body.tags is not None:
        given["tags"] = given_tags((await _found(bench, config_id)).tags, body.tags)
    saved = await bench.configs.update_config(config_id, expected_revision=_expected(if_match), **given)
    if saved is None:
        raise NotFound(f"there is no config {config_id}")
    return _answered(saved, response)


@one.delete("", responses=refusals(409))
async def delete(bench: Bench, config_id: str, force: bool = False) -> dict[str, Any]:
    """Delete a config; with `force` the sessions that use it, too."""
    if force:
        await stop_sessions(bench, config_id)
    if not await bench.configs.delete_config(config_id, force=force):
        raise NotFound(f"there is no config {config_id}")
    return {"message": f"deleted {config_id}"}


@one.post("/tools", responses=refusals(400, 409))
async def add_tool(
    server: TheServer,
    config_id: str,
    tool_module: Reference,
    response: Response,
    tool_source: Source = None,
    config: ModuleConfig = None,
) -> dict[str, Any]:
    """Add a tool; where its module is there already, merge into its entry."""
    async with _edits(server, config_id):
        saved = await server.bench.configs.add_tool_to_config(config_id, tool_module, tool_source, config)
    return _answered(saved, response)


@one.post("/providers", responses=refusals(400, 409))
async def add_provider(
    server: TheServer,
    config_id: str,
    provider_module: Reference,
    response: Response,
    provider_source: Source = None,
    config: ModuleConfig = None,
) -> dict[str, Any]:
    """Add a provider; where its module is there already, merge into its entry."""
    async with _edits(server, config_id):
        saved = await server.bench.configs.add_provider_to_config(config_id, provider_module, provider_source, config)
    return _answered(saved, response)


@one.post("/bundles", responses=refusals(400, 409))
async def add_bundle(server: TheServer, config_id: str, bundle_uri: Reference, response: Response) -> dict[str, Any]:
    """Append an include."""
    async with _edits(server, config_id):
        saved = await server.bench.configs.merge_bundle_into_config(config_id, bundle_uri)
    return _answered(saved, response)


@one.get("/plan")
async def plan(bench: Bench, config_id: str) -> dict[str, Any]:
    """Resolve the config: the mount plan with the origin of each value. Secrets are dots."""
    return plan_to_json(await bench.configs.plan(await _found(bench, config_id)))


@one.get("/revisions")
async def revisions(bench: Bench, config_id: str, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """List the saved texts, newest first."""
    config = await _found(bench, config_id)
    found = await bench.configs.revisions(config_id, limit=limit, offset=offset)
    return {"revisions": [revision_to_json(one) for one in found], "total": config.revision}


@one.get("/revisions/{number}")
async def revision(bench: Bench, config_id: str, number: int) -> dict[str, Any]:
    """Return one saved text."""
    found = await bench.configs.revision(config_id, number)
    return {**revision_to_json(found), "yaml_content": found.yaml_content}


@one.post("/revisions/{number}/restore", responses=refusals(409))
async def restore(bench: Bench, config_id: str, number: int, response: Response) -> dict[str, Any]:
    """Save an old text again, as the newest revision."""
    return _answered(await bench.configs.restore(config_id, number), response)


router.include_router(one)


def _edits(server: Server, config_id: str) -> asyncio.Lock:
    """Let clients that add to a config do so one after the other: each reads the text that it changes."""
    return server.running.order(f"edit {config_id}")


def _answered(config: Config, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = f'"{config.revision}"'
    return config_to_json(config)


def _expected(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise HTTPException(400, 'If-Match takes the ETag of a config, such as "3"')
    return int(found[1])


async def _found(bench: SharedContext, config_id: str) -> Config:
    config = await bench.configs.get_config(config_id)
    if config is None:
        raise NotFound(f"there is no config {config_id}")
    return config


async def stop_sessions(bench: SharedContext, config_id: str) -> None:
    """Stop what runs: a turn must not go on in a session that is gone."""
    found, total = await bench.sessions.list_sessions(config_id=config_id)
    while len(found) < total:
        more, total = await bench.sessions.list_sessions(offset=len(found), config_id=config_id)
        if not more:
            break
        found += more
    for session in found:
        await bench.sessions.cancel(session.session_id)
