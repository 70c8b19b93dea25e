"""Records as the JSON that scripts rely on, the same for every front end that speaks JSON.

Source of the shapes: the HTTP and command-line contracts. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from agent_workbench.configs.explain import Explanation, PlanChange
from agent_workbench.configs.plan import Origin, Plan
from agent_workbench.configs.secrets import mask
from agent_workbench.conversation.codec import message_to_json, usage_to_json
from agent_workbench.storage.records import Config, ConfigMetadata, Revision, Session, StoredMessage, Turn


def config_to_json(config: ConfigMetadata) -> dict[str, Any]:
    """Return a config; with `yaml_content` where it was read whole."""
    shape: dict[str, Any] = {
        "config_id": config.config_id, "name": config.name, "description": config.description,
        "created_at": _time(config.created_at), "updated_at": _time(config.updated_at), "tags": dict(config.tags),
        "revision": config.revision, "sessions": config.sessions,
    }  # fmt: skip
    if isinstance(config, Config):
        shape["yaml_content"] = config.yaml_content
    return shape


def revision_to_json(revision: Revision) -> dict[str, Any]:
    """Return a revision without its text."""
    return {
        "revision": revision.revision, "author": revision.author, "note": revision.note,
        "created_at": _time(revision.created_at), "content_hash": revision.content_hash,
    }  # fmt: skip


def session_to_json(session: Session) -> dict[str, Any]:
    """Return a session without its messages and its settings."""
    return {
        "session_id": session.session_id, "config_id": session.config_id, "config_name": session.config_name,
        "status": session.status, "state": session.state, "title": session.title,
        "message_count": session.message_count, "created_at": _time(session.created_at),
        "updated_at": _time(session.updated_at), "workspace": session.workspace, "tags": dict(session.tags),
        "parent_session_id": session.parent_session_id, "pinned_revision": session.pinned_revision,
    }  # fmt: skip


def stored_message_to_json(stored: StoredMessage) -> dict[str, Any]:
    """Return a message with its place."""
    return {"seq": stored.seq, "created_at": _time(stored.created_at), **message_to_json(stored.message)}


def turn_to_json(turn: Turn) -> dict[str, Any]:
    """Return a turn without its messages."""
    return {
        "turn_id": turn.turn_id, "status": turn.state, "revision": turn.config_revision, "model": turn.model,
        "steps": turn.steps, "started_at": _time(turn.started_at), "finished_at": _time(turn.finished_at),
        "usage": usage_to_json(turn.usage), "error": turn.error,
    }  # fmt: skip


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return `{"mount_plan", "origins", "problems"}` and the bundle's name; secrets are dots, references stay."""
    return {
        "name": plan.name,
        "version": plan.version,
        "mount_plan": mask(plan.mount_plan),
        "origins": origins_to_json(plan),
        "problems": [problem.to_json() for problem in plan.problems],
        "includes": list(plan.includes),
        "digest": plan.digest,
    }


def origins_to_json(plan: Plan) -> Mapping[str, list[dict[str, Any]]]:
    """Return for each path the places that set it, the winner last."""
    return {path: [_origin(origin) for origin in origins] for path, origins in plan.origins.items()}


def explanation_to_json(found: Explanation) -> dict[str, Any]:
    """Return a value of a plan with the places that set it, the winner last."""
    origins = [_origin(origin) for origin in found.origins]
    return {"path": found.path, "value": found.value, "origins": origins, "joined": found.joined}


def change_to_json(change: PlanChange) -> dict[str, Any]:
    """Return one difference between two plans; secrets are dots already."""
    return {
        "kind": change.kind, "path": change.path, "old": change.old, "new": change.new,
        "origin": _origin(change.origin) if change.origin else None,
    }  # fmt: skip


def users_to_json(sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """Return the sessions that use a config, in short."""
    return [
        {"session_id": one.session_id, "title": one.title, "pinned_revision": one.pinned_revision} for one in sessions
    ]


def _origin(origin: Origin) -> dict[str, Any]:
    return {"source": origin.source, "line": origin.line, **({"commit": origin.commit} if origin.commit else {})}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
