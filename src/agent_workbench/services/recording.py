"""A session written down as a script: a bundle whose offline model says again what the real one said."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from agent_workbench.conversation.clean import clean_line
from agent_workbench.engine.providers.mock import script_of
from agent_workbench.services.secrets import without_secrets
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.ports import SessionStore
from agent_workbench.storage.records import Page, Session, StoredEvent, StoredMessage

#: What a recording takes over from the session's own plan; the model is the script, the rest only reports.
KEPT = ("session", "tools", "agents", "spawn")

#: What an agent of the plan says about models, which a recording has none of.
MODELS = ("providers", "provider_preferences", "model")


async def recorded(bench: SharedContext, session: Session) -> str:
    """Return a session as the YAML of a bundle: its tools, and an offline model with its replies in order.

    The same prompts, sent again to it, lead to the same transcript as far as the tools answer the same: they run
    anew. What was said into a running turn is left out; a turn that broke off before its first word does so again.
    Agents that worked for it say again what they said, by the words that they were given. What a reply had used is
    reported again, its price is not. Literal secrets of tools become references to the environment.

    Raises:
        NotFound: If its config is gone.
        InvalidBundle: If its config cannot run any more.
    """
    store, session_id = bench.store.sessions, session.session_id
    messages, replies = await asyncio.to_thread(_script, store, session_id)
    agent, _ = await bench.agents.of(session.config_id, session.pinned_revision, Path(session.workspace or "."))
    plan = agent.plan
    model = next((one.message.model for one in messages if one.message.model), "mock")
    said: dict[str, Any] = {"default_model": model, "delay": 0, "responses": replies}
    children = await asyncio.to_thread(_children, store, session_id)
    if children:
        said["scripts"] = [{"begins": begins, "responses": each} for begins, each in children.items()]
    script = {"module": "provider-mock", "config": said}
    kept = {key: plan.mount_plan[key] for key in KEPT if plan.mount_plan.get(key)}
    if "agents" in kept:
        kept["agents"] = {name: _without_models(agent) for name, agent in kept["agents"].items()}
    about = {"bundle": {"name": f"{plan.name}-recorded", "version": plan.version}}
    heading = f"# {len(replies)} replies of the session {session_id}: {clean_line(session.title, 60)}\n"
    heading += "# Say, each in a turn of its own (what was said into a running turn is not repeated):\n"
    heading += "".join(f"#   {clean_line(words, 100)}\n" for words in _prompts(messages))
    # What was said stays as it was, also where it looks like a secret: an argument may well be called `key`.
    return heading + without_secrets(_yaml({**about, **kept}))[0] + _yaml({"providers": [script]})


def _script(store: SessionStore, session_id: str) -> tuple[Sequence[StoredMessage], list[dict[str, Any]]]:
    """Return what was said in a session, and the script by which its model says its part again."""
    messages = store.messages(session_id)
    spoken = [one for one in messages if one.message.role == "assistant"]
    used = iter(_used(spoken, store.events(session_id)))
    unanswered = {turn.turn_id for turn in store.turns(session_id) if turn.state in ("failed", "cancelled")}
    replies: list[dict[str, Any]] = []
    for one, following in zip_longest(messages, messages[1:]):
        if one.message.role == "assistant":
            counted = next(used)
            replies += [{**reply, **({"usage": counted} if counted else {})} for reply in script_of([one.message])]
        elif one.turn_id in unanswered and (following is None or following.turn_id != one.turn_id):
            replies.append({"fault": "interrupted"})  # without it, the next reply would be said here
    return messages, replies


def _prompts(messages: Sequence[StoredMessage]) -> list[str]:
    """Return what began each turn."""
    first: dict[str, str] = {}
    for one in messages:
        if one.message.role == "user":
            first.setdefault(one.turn_id or str(one.seq), one.message.text)
    return list(first.values())


def _children(store: SessionStore, session_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return the scripts of the agents that worked for a session, and for those, by the words that they began with."""
    found: dict[str, list[dict[str, Any]]] = {}
    listed, _ = store.list_sessions(Page(1000, sort="created", descending=False), parent_session_id=session_id)
    for child in listed:
        if child.settings.get("depth"):  # a fork is none
            first = store.messages(child.session_id, limit=1)
            found.setdefault(first[0].message.text if first else "", _script(store, child.session_id)[1])
            found = {**_children(store, child.session_id), **found}
    return found


def _without_models(agent: Any) -> Any:
    return {key: value for key, value in agent.items() if key not in MODELS} if isinstance(agent, Mapping) else agent


def _used(spoken: Sequence[StoredMessage], events: Sequence[StoredEvent]) -> list[dict[str, int]]:
    """Return the token counts of each reply; the last of a turn that was stopped has none."""
    counted: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        if event.kind == "reply":
            counted[event.turn_id].append(event.data.get("usage"))
    found = []
    for one in spoken:
        usage = counted[one.turn_id].pop(0) if counted[one.turn_id] else None
        known = usage if isinstance(usage, Mapping) else {}
        found.append({key: value for key, value in known.items() if isinstance(value, int)})
    return found


def _yaml(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(_plain(data), sort_keys=False, allow_unicode=True, width=110)


def _plain(value: Any) -> Any:
    """Return data as the plain maps and lists that YAML is written from."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
