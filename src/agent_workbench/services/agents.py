"""The agents that are ready: each prepared once, shared by the sessions of its config, dropped when idle."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent_workbench.configs.delegation import agent_plan
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.reader import read
from agent_workbench.errors import NotFound
from agent_workbench.services.bundles import Bundles, base_of, root_of
from agent_workbench.services.mounting import Agent, close, mount
from agent_workbench.services.restraint import Held
from agent_workbench.services.trust import Trust, as_problem, made_from
from agent_workbench.storage.ports import ConfigStore
from agent_workbench.storage.records import Config


@dataclass(frozen=True, slots=True)
class Role:
    """Which of a config's agents a session runs, and the tool modules that it does not inherit."""

    name: str
    without: tuple[str, ...] = ()


@dataclass
class _Cached:
    agent: Agent
    used: float = field(default_factory=time.monotonic)


class Agents:
    """The agents that are ready, by config, content and workspace; those idle for long are dropped."""

    def __init__(
        self,
        store: ConfigStore,
        bundles: Bundles,
        trust: Trust,
        *,
        resources: Mapping[str, Any] | None = None,
        keep_s: float = 900.0,
    ) -> None:
        self._store = store
        self._bundles = bundles
        self._trust = trust
        self._resources = dict(resources or {})
        self.keep_s = keep_s
        """Seconds that an agent is kept after its last use."""
        self._in_use: Counter[int] = Counter()
        self._ready: dict[tuple[str, str, str, tuple[Held, ...]], _Cached] = {}
        self._lock = asyncio.Lock()

    @contextmanager
    def using(self, agent: Agent) -> Iterator[None]:
        """Keep an agent's connections open while a turn runs with it, however long that takes."""
        self._in_use[id(agent)] += 1
        try:
            yield
        finally:
            self._in_use.subtract([id(agent)])
            self._in_use += Counter()  # forgets what is 0

    def share(self, name: str, resource: Any) -> None:
        """Give a resource to the tools that are mounted from now on."""
        self._resources[name] = resource

    async def of(
        self, config_id: str, pinned_revision: int | None, workspace: Path, *, role: Role | None = None
    ) -> tuple[Agent, int]:
        """Return the agent of a config, newest or at a revision, and the revision's number.

        With a `role` it is one of the agents that the config delegates to.

        Raises:
            NotFound: If there is no such config, revision or role.
            InvalidBundle: If the plan has errors; `problems` names them all.
        """
        config = await asyncio.to_thread(self._store.get, config_id)
        if config is None:
            raise NotFound(f"there is no config {config_id}; it may have been deleted")
        if pinned_revision is None:
            return await self.get(config, config.yaml_content, workspace, role=role), config.revision
        pinned = await asyncio.to_thread(self._store.revision, config_id, pinned_revision)
        if pinned is None:
            raise NotFound(f"config {config.name} has no revision {pinned_revision}")
        return await self.get(config, pinned.yaml_content, workspace, role=role), pinned_revision

    async def plan(self, config_id: str, revision: int, workspace: Path) -> Plan:
        """Return the plan of a config's revision, with its problems; nothing is mounted.

        Raises:
            NotFound: If there is no such config or revision.
        """
        config = await asyncio.to_thread(self._store.get, config_id)
        saved = await asyncio.to_thread(self._store.revision, config_id, revision)
        if config is None or saved is None:
            raise NotFound(f"there is no revision {revision} of the config {config_id}")
        base = base_of(config, workspace)
        return await asyncio.to_thread(self._bundles.plan, saved.yaml_content, name=config.name, base=base)

    async def get(self, config: Config, text: str, workspace: Path, *, role: Role | None = None) -> Agent:
        """Return the agent of a config's text, prepared now or before. Never contacts a provider.

        Raises:
            NotFound: If the config has no such role.
            InvalidBundle: If the plan has errors; `problems` names them all.
        """
        plan = await asyncio.to_thread(
            self._bundles.plan, text, name=config.name, base=base_of(config, workspace), root=root_of(config)
        )
        if role is not None and not plan.errors:
            plan = agent_plan(plan, role.name, role.without)
        allowed, held, is_own = await asyncio.to_thread(self._trust.restrain, plan, config)
        key = (config.config_id, plan.digest, str(workspace), held)
        async with self._lock:
            cached = self._ready.get(key)
            if cached is None:
                resources = {**self._resources, "base": base_of(config, workspace)}
                own = {one.digest for one in plan.documents if one.own}
                allowed = replace(allowed, problems=(*plan.problems, *(as_problem(one, own) for one in held)))
                data = read(text).data if is_own else {}
                agent = await asyncio.to_thread(
                    mount, allowed, self._bundles.catalog, config.config_id, workspace, resources, data
                )
                agent = replace(agent, plan=plan, made_from=made_from(plan, config))
                cached = self._ready[key] = _Cached(agent)
            cached.used = time.monotonic()
            stale = [
                k
                for k, entry in self._ready.items()
                if cached.used - entry.used > self.keep_s and not self._in_use[id(entry.agent)]
            ]
            dropped = [self._ready.pop(k).agent for k in stale]
        for agent in dropped:
            await close(agent)
        return cached.agent

    async def drop(self, config_id: str) -> None:
        """Give back what is ready of a config that no turn runs with."""
        idle = [key for key, entry in self._ready.items() if key[0] == config_id and not self._in_use[id(entry.agent)]]
        for agent in [self._ready.pop(key).agent for key in idle]:
            await close(agent)

    async def close(self) -> None:
        """Give back all connections."""
        agents = [entry.agent for entry in self._ready.values()]
        self._ready.clear()
        for agent in agents:
            await close(agent)
