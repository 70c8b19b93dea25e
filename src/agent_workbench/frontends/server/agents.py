"""`/v1/agents`: the same configs, said in a few fields. No agent is made ready before something is said to it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from agent_workbench.errors import NotFound
from agent_workbench.frontends.server.bodies import Body, Limit, Line, Name, Offset, Prose, Search, Tags
from agent_workbench.frontends.server.configs import stop_sessions
from agent_workbench.frontends.server.failures import openai_refusals
from agent_workbench.frontends.server.state import Bench
from agent_workbench.services.agent_texts import TEMPLATE, AgentFields, changed, fields_of, from_template
from agent_workbench.services.links import given_tags
from agent_workbench.services.templates import Template, template, templates
from agent_workbench.storage.records import Config, ConfigMetadata

router = APIRouter(prefix="/v1", tags=["agents"])

#: The tag that says which template an agent was made from.
TEMPLATE_TAG = "template"


class NewAgent(Body):
    """An agent to make from a template."""

    name: Name
    template_id: Line = TEMPLATE
    provider: Line | None = None
    model: Line | None = None
    instructions: Annotated[str, StringConstraints(max_length=1_000_000)] | None = None
    tools: list[Line] | None = None
    description: Prose | None = None
    tags: Tags = Field(default_factory=dict)


class AgentChange(Body):
    """What of an agent changes; what is not given stays. `tools` are all that it has then."""

    name: Name | None = None
    provider: Line | None = None
    model: Line | None = None
    instructions: Annotated[str, StringConstraints(max_length=1_000_000)] | None = None
    tools: list[Line] | None = None
    description: Prose | None = None
    tags: Tags | None = None


@router.post("/agents", status_code=201, responses=openai_refusals(404))
async def create(bench: Bench, body: NewAgent) -> dict[str, Any]:
    """Make a config from a template, its comments kept, and store it."""
    text = from_template(bench.configs.catalog, body.template_id, _fields(body))
    tags = given_tags({}, {**body.tags, TEMPLATE_TAG: body.template_id})
    made = await bench.configs.create_config(body.name, text, body.description, tags, note=f"from {body.template_id}")
    return agent_to_json(made)


@router.get("/agents")
async def listed(bench: Bench, limit: Limit = 50, offset: Offset = 0, q: Search = "") -> dict[str, Any]:
    """List agents without what their texts say, newest first."""
    found, total = await bench.configs.list_configs(limit, offset, q=q)
    return {"object": "list", "data": [_in_short(one) for one in found], "total": total}


@router.get("/agents/{agent_id:path}", responses=openai_refusals(404, 409))
async def get(bench: Bench, agent_id: str) -> dict[str, Any]:
    """Return an agent, by its id or by a name that only one has."""
    return agent_to_json(await bench.configs.find_config(agent_id))


@router.put("/agents/{agent_id:path}", responses=openai_refusals(404, 409))
async def change(bench: Bench, agent_id: str, body: AgentChange) -> dict[str, Any]:
    """Change what is given and keep every other byte of the text."""
    config = await bench.configs.find_config(agent_id)
    text = changed(bench.configs.catalog, config.yaml_content, _fields(body))
    tags = None if body.tags is None else given_tags(config.tags, body.tags)
    saved = await bench.configs.update_config(
        config.config_id, name=body.name, yaml_content=text, description=body.description, tags=tags,
        expected_revision=config.revision, note="changed as an agent",
    )  # fmt: skip
    if saved is None:
        raise NotFound(f"the agent {agent_id} was deleted meanwhile")
    return agent_to_json(saved)


@router.delete("/agents/{agent_id:path}", responses=openai_refusals(404, 409))
async def delete(bench: Bench, agent_id: str) -> dict[str, Any]:
    """Delete an agent, end its sessions, and drop what is ready of it."""
    config = await bench.configs.find_config(agent_id)
    await stop_sessions(bench, config.config_id)
    await bench.configs.delete_config(config.config_id, force=True)
    await bench.agents.drop(config.config_id)
    return {"id": config.config_id, "object": "agent.deleted", "deleted": True}


@router.get("/templates")
async def all_templates() -> dict[str, Any]:
    """List what agents can be made from, the simplest first."""
    return {"object": "list", "data": [_template_to_json(one) for one in templates()]}


@router.get("/templates/{template_id}", responses=openai_refusals(404))
async def one_template(template_id: str) -> dict[str, Any]:
    """Return a template with its text."""
    found = template(template_id)
    return {**_template_to_json(found), "yaml_content": found.text}


@router.get("/models")
async def models(bench: Bench) -> dict[str, Any]:
    """List agents as models, under the names that a chat can ask for."""
    return {"object": "list", "data": [_model(one, name) for name, one in await _callable(bench)]}


@router.get("/models/{model_id:path}", responses=openai_refusals(404, 409))
async def model(bench: Bench, model_id: str) -> dict[str, Any]:
    """Return one agent as a model."""
    return _model(await bench.configs.find_config(model_id), model_id)


def agent_to_json(config: Config) -> dict[str, Any]:
    """Return an agent with what its own text says."""
    said = fields_of(config.yaml_content)
    return {
        **_in_short(config), "provider": said.provider, "model": said.model, "instructions": said.instructions,
        "tools": list(said.tools or ()),
    }  # fmt: skip


async def _callable(bench: Bench) -> list[tuple[str, ConfigMetadata]]:
    """Return all agents with their names, or ids where two have one name."""
    found, total = await bench.configs.list_configs(500)
    while len(found) < total and (more := (await bench.configs.list_configs(500, len(found)))[0]):
        found += more
    names = [one.name for one in found]
    return [(one.name if names.count(one.name) == 1 else one.config_id, one) for one in found]


def _fields(body: NewAgent | AgentChange) -> AgentFields:
    tools = None if body.tools is None else tuple(dict.fromkeys(body.tools))
    return AgentFields(body.name, body.provider, body.model, body.instructions, tools)


def _in_short(config: ConfigMetadata) -> dict[str, Any]:
    return {
        "id": config.config_id, "object": "agent", "name": config.name, "description": config.description,
        "template_id": config.tags.get(TEMPLATE_TAG, ""), "tags": dict(config.tags), "revision": config.revision,
        "created_at": config.created_at.isoformat(), "updated_at": config.updated_at.isoformat(),
    }  # fmt: skip


def _template_to_json(found: Template) -> dict[str, Any]:
    return {"id": found.name, "object": "template", "summary": found.summary}


def _model(config: ConfigMetadata, name: str) -> dict[str, Any]:
    created = int(config.created_at.timestamp())
    return {"id": name, "object": "model", "created": created, "owned_by": "agent-workbench"}
