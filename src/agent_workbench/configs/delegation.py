"""The plan of an agent that works for another: what it inherits, less what is excluded, and what it lists itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent_workbench.configs.plan import AgentSpec, Plan
from agent_workbench.errors import NotFound

SELF = "self"
"""Stands for the agent that the bundle itself describes."""

_SECTIONS = ("providers", "tools", "hooks")


def agent_plan(plan: Plan, name: str, without: Sequence[str] = ()) -> Plan:
    """Return the plan that one of a plan's agents runs with.

    Tools are the inherited ones, less those that `spawn` or `without` exclude (by module id), and those that the agent
    lists; entries of one id (else module) are merged. Providers, hooks and `session` are merged with the agent's,
    except for `session.permissions`: an agent never has more permissions than who it works for.

    Raises:
        NotFound: If the plan has no such agent.
    """
    spec = AgentSpec(SELF, plan.description, plan.instruction, {}, plan.context_texts)
    if name != SELF or SELF in plan.agents:
        if name not in plan.agents:
            known = ", ".join(plan.agents) or "none"
            raise NotFound(f"the config {plan.name} has no agent {name!r} (it has {known})")
        spec = plan.agents[name]
    mount = dict(plan.mount_plan)
    mount["tools"] = [entry for entry in mount.get("tools", ()) if not _excluded(entry, mount.get("spawn"), without)]
    for section in _SECTIONS:
        mount[section] = _entries(mount.get(section, ()), spec.data.get(section))
    session = spec.data.get("session")
    if isinstance(session, Mapping):
        own = {key: value for key, value in session.items() if key != "permissions"}
        mount["session"] = _merged(mount.get("session", {}), own)
    return replace(
        plan,
        mount_plan={key: value for key, value in mount.items() if value},
        instruction=spec.instruction or spec.description,
        context_texts=spec.context_texts,
        digest=hashlib.sha256("\0".join((plan.digest, name, *without)).encode()).hexdigest(),
    )


def preference(plan: Plan, name: str) -> tuple[str, str]:
    """Return the provider id and the model that an agent prefers; empty where it leaves the choice.

    The first of its `provider_preferences` that the plan has, else the first of the providers that it lists, with its
    `model`.
    """
    data = plan.agents[name].data if name in plan.agents else {}
    known = [_key(entry) for entry in plan.mount_plan.get("providers", ()) if isinstance(entry, Mapping)]
    for one in _maps(data.get("provider_preferences")):
        wanted = str(one.get("provider", ""))
        found = next((each for each in known if each in (wanted, f"provider-{wanted}")), "")
        if found:
            return found, str(one.get("model") or "")
    listed = _maps(data.get("providers"))
    model = data.get("model")
    return (_key(listed[0]) if listed else ""), model if isinstance(model, str) else ""


def _excluded(entry: Any, spawn: Any, without: Sequence[str]) -> bool:
    module = entry.get("module") if isinstance(entry, Mapping) else None
    rules = spawn if isinstance(spawn, Mapping) else {}
    allowed = rules.get("tools")
    excluded = [*without, *(rules.get("exclude_tools") or ())]
    return module in excluded or (isinstance(allowed, list) and module not in allowed)


def _entries(inherited: Sequence[Any], listed: Any) -> list[Any]:
    entries = {_key(entry): entry for entry in _maps(inherited)}
    for entry in _maps(listed):
        entries[_key(entry)] = _merged(entries.get(_key(entry), {}), entry)
    return list(entries.values())


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _key(entry: Mapping[str, Any]) -> str:
    return str(entry.get("id") or entry.get("module", ""))


def _merged(parent: Any, child: Any) -> Any:
    """Merge as composition does: maps recurse, lists concatenate without duplicates, anything else is replaced."""
    if isinstance(parent, Mapping) and isinstance(child, Mapping):
        return {
            **parent,
            **{key: _merged(parent[key], value) if key in parent else value for key, value in child.items()},
        }
    if isinstance(parent, list) and isinstance(child, list):
        return [*parent, *(item for item in child if item not in parent)]
    return child
