"""The plan of an agent that works for another: what it inherits, less what is excluded, and what it lists itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent_workbench.configs.compose import MODULE_SECTIONS, Node, bare, flatten, merge, plain
from agent_workbench.configs.plan import AgentSpec, Origin, Plan
from agent_workbench.errors import NotFound

SELF = "self"
"""Stands for the agent that the bundle itself describes."""


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
    mount = {name: plan.tree.get(name) or bare(value) for name, value in plan.mount_plan.items()}
    agents = plan.tree.get("agents")
    own: Any = (agents.value.get(name) if agents is not None else None) or bare(spec.data)
    tools = _maps(mount.get("tools"))
    mount["tools"] = Node([one for one in tools if not _excluded(plain(one), plan.mount_plan.get("spawn"), without)])
    for section in MODULE_SECTIONS:
        mount[section] = Node(_entries(_maps(mount.get(section)), _maps(own.value.get(section))))
    session = own.value.get("session")
    if session is not None and isinstance(session.value, dict):
        allowed = {key: value for key, value in session.value.items() if key != "permissions"}
        mount["session"] = merge(mount.get("session"), Node(allowed, session.origins)) or Node({})
    return replace(
        plan,
        mount_plan={key: value for key, node in mount.items() if (value := plain(node))},
        tree=mount,
        origins=_origins(plan, mount),
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
    for one in _listed(data.get("provider_preferences")):
        wanted = str(one.get("provider", ""))
        found = next((each for each in known if each in (wanted, f"provider-{wanted}")), "")
        if found:
            return found, str(one.get("model") or "")
    listed = _listed(data.get("providers"))
    model = data.get("model")
    return (_key(listed[0]) if listed else ""), model if isinstance(model, str) else ""


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _excluded(entry: Any, spawn: Any, without: Sequence[str]) -> bool:
    module = entry.get("module") if isinstance(entry, Mapping) else None
    rules = spawn if isinstance(spawn, Mapping) else {}
    allowed = rules.get("tools")
    excluded = [*without, *(rules.get("exclude_tools") or ())]
    return module in excluded or (isinstance(allowed, list) and module not in allowed)


def _entries(inherited: Sequence[Node], listed: Sequence[Node]) -> list[Node]:
    entries = {_key(plain(node)): node for node in inherited}
    for node in listed:
        key = _key(plain(node))
        entries[key] = merge(entries.get(key), node) or node
    return list(entries.values())


def _origins(plan: Plan, mount: Mapping[str, Node]) -> dict[str, tuple[Origin, ...]]:
    """Return the origins of a plan with those of the sections that an agent changes in place of its own."""
    changed = ("session", *MODULE_SECTIONS)
    found = {path: origins for path, origins in plan.origins.items() if not path.startswith(changed)}
    found.update(flatten(mount.get("session", Node({})), "session"))
    for section in MODULE_SECTIONS:
        for node in mount[section].value:
            found.update(flatten(node, f"{section}[{_key(plain(node))}]"))
    return found


def _maps(node: Node | None) -> list[Node]:
    items = node.value if node is not None and isinstance(node.value, list) else []
    return [one for one in items if isinstance(one.value, dict)]


def _key(entry: Mapping[str, Any]) -> str:
    return str(entry.get("id") or entry.get("module", ""))
