"""Agents: prepared configs with live providers, tools and hooks, shared by their sessions.

settings → config → mount plan → session: this module turns a plan into what a session runs with.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent_workbench.configs.delegation import agent_plan
from agent_workbench.configs.environment import expand
from agent_workbench.configs.modules import SECTION, Catalog, Module, ModuleKind
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import Problem, errors, worst_first
from agent_workbench.configs.reader import read
from agent_workbench.engine.orchestrators import LoopSettings
from agent_workbench.engine.permissions import MODES, Mode, Rule, load_rules
from agent_workbench.engine.permissions.protected import MadeFrom
from agent_workbench.engine.ports import Hook, MountContext, Provider, Tool, ToolRegistry, ToolSource
from agent_workbench.engine.session_config import ContextPolicy
from agent_workbench.errors import ConfigError, InvalidBundle, NotFound, PermissionRuleError
from agent_workbench.services.bundles import Bundles, base_of, root_of
from agent_workbench.services.keys import environment
from agent_workbench.services.restraint import Held
from agent_workbench.services.trust import Trust, as_problem, made_from
from agent_workbench.storage.ports import ConfigStore
from agent_workbench.storage.records import Config


@dataclass(frozen=True)
class Agent:
    """A prepared config: reusable, holds no conversation. `providers` are best first."""

    config_id: str
    plan: Plan
    providers: tuple[Provider, ...]
    tools: ToolRegistry
    hooks: tuple[Hook, ...]
    loop: LoopSettings
    context: ContextPolicy
    system: str
    problems: tuple[Problem, ...] = ()
    mode: Mode = "ask"
    rules: tuple[Rule, ...] = ()
    sources: tuple[ToolSource, ...] = ()
    """What brings more tools while sessions run; see `known_tools`."""
    made_from: MadeFrom = MadeFrom()
    shared: Mapping[str, Any] = field(default_factory=dict)
    """The shared resources by name, for the tools of its sessions."""

    @property
    def known_tools(self) -> ToolRegistry:
        """The tools as they are known now."""
        return self.tools.adding(tool for source in self.sources for tool in source.tools())

    @property
    def model(self) -> str:
        """The model that a session uses unless it says otherwise."""
        return self.providers[0].default_model if self.providers else ""


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

    async def close(self) -> None:
        """Give back all connections."""
        agents = [entry.agent for entry in self._ready.values()]
        self._ready.clear()
        for agent in agents:
            await close(agent)


async def close(agent: Agent) -> None:
    """Give back an agent's connections."""
    for provider in agent.providers:
        await provider.close()
    for source in agent.sources:
        await source.close()


def mount(
    plan: Plan,
    catalog: Catalog,
    config_id: str,
    workspace: Path,
    resources: Mapping[str, Any],
    own: Mapping[str, Any],
) -> Agent:
    """Make an agent from a plan, with environment references expanded; `own` is the data of the config's own text.

    The plan is one of which nothing is to be held back (see `Trust.restrain`).
    Unknown tools and hooks are skipped and named in `Agent.problems`.

    Raises:
        InvalidBundle: If the plan has errors, or something it needs cannot be made.
    """
    if plan.errors:
        raise InvalidBundle(_summary(plan.name, plan.errors), plan.errors)
    mounting = _Mounting(plan, catalog, workspace, resources)
    providers = sorted(mounting.entries("provider"), key=lambda pair: _priority(pair[0]))
    made = mounting.tool_things()
    tools = mounting.registry(tool for tool in made if isinstance(tool, Tool))
    brought = [hook for hook in made if isinstance(hook, Hook)]
    hooks = sorted((*(hook for _, hook in mounting.entries("hook")), *brought), key=lambda hook: hook.priority)
    sources = tuple(source for source in made if isinstance(source, ToolSource))
    for problem in (problem for source in sources for problem in source.problems):
        mounting.problems.append(Problem("warning", problem, code="mount"))
    loop = mounting.single("orchestrator", "loop-streaming")
    context = mounting.single("context", "context-simple")
    if not providers and not errors(mounting.problems):
        hint = "press the add-provider key, or `awb config add-provider CONFIG provider-mock` to try it offline"
        mounting.problems.append(Problem("error", "no provider: a session needs one", hint=hint, code="no-provider"))
    if found := errors(mounting.problems):
        raise InvalidBundle(_summary(plan.name, found), worst_first(mounting.problems))
    return Agent(
        config_id=config_id,
        plan=plan,
        providers=tuple(provider for _, provider in providers),
        tools=tools,
        hooks=tuple(hooks),
        loop=loop,
        context=context,
        system=system_prompt(plan),
        problems=worst_first([*plan.problems, *mounting.problems]),
        mode=mode_of(plan, own),
        sources=sources,
        shared=resources,
        rules=rules_of(plan, own),
    )


def mode_of(plan: Plan, own: Mapping[str, Any]) -> Mode:
    """Return the permission mode that a config starts its sessions in.

    `own` is the data of the config's own text: what it includes may tighten the mode, never loosen it.

    Raises:
        PermissionRuleError: If the mode is not one of `MODES`.
    """
    mine = permissions_of(own).get("mode")
    inherited = permissions_of(plan.mount_plan).get("mode")
    named = mine or (inherited if inherited in ("read-only", "plan") else "ask")
    for mode in MODES:
        if mode == named:
            return mode
    raise PermissionRuleError(f"session.permissions.mode is {named!r}: use one of {', '.join(MODES)}")


def rules_of(plan: Plan, own: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the permission rules of a config's own text, then those that only what it includes brought.

    Raises:
        PermissionRuleError: If one does not parse.
    """
    mine, composed = _lists(own), _lists(plan.mount_plan)
    brought = {key: _without(rules, mine.get(key)) for key, rules in composed.items()}
    return (*load_rules(mine, "bundle"), *load_rules(brought, "import"))


def _lists(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in permissions_of(data).items() if key != "mode"}


def _without(rules: Any, mine: Any) -> Any:
    """Return the rules that are not in `mine`; what is no list is left for `load_rules` to refuse."""
    if not isinstance(rules, list) or not isinstance(mine, list):
        return rules
    return [rule for rule in rules if rule not in mine]


def permissions_of(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `session.permissions` of a bundle's data, empty where there is none."""
    session = data.get("session")
    rules = session.get("permissions") if isinstance(session, dict) else None
    return rules if isinstance(rules, dict) else {}


def system_prompt(plan: Plan) -> str:
    """Return the instruction, then one block for each context text. What changes each time is not in it."""
    blocks = [plan.instruction.strip()]
    blocks += [f'<context name="{name}">\n{text.strip()}\n</context>' for name, text in plan.context_texts]
    return "\n\n".join(block for block in blocks if block)


class _Mounting:
    """Makes the modules of one plan and collects what is wrong."""

    def __init__(self, plan: Plan, catalog: Catalog, workspace: Path, resources: Mapping[str, Any]) -> None:
        self.plan = plan
        self.catalog = catalog
        self.workspace = workspace
        self.resources = {**resources, "agents": plan.agents}
        self.problems: list[Problem] = []

    def entries(self, kind: ModuleKind) -> list[tuple[Mapping[str, Any], Any]]:
        """Return the entries of a section with what was made from each."""
        made = []
        for entry in self.plan.mount_plan.get(SECTION[kind], ()):
            thing = self.make(kind, entry)
            if thing is not None:
                made.append((entry, thing))
        return made

    def tool_things(self) -> list[Any]:
        """Return what the tool modules made, our own first: a stranger's take no name of theirs."""
        entries = self.entries("tool")
        entries.sort(key=lambda pair: not self._is_ours(pair[0]))
        return [thing for _, made in entries for thing in _several(made)]

    def registry(self, tools: Iterable[Tool]) -> ToolRegistry:
        """Return the tools by name; one whose name is taken is left out, visibly."""
        found: dict[str, Tool] = {}
        for tool in tools:
            if found.setdefault(tool.spec.name, tool) is not tool:
                self._problem("warning", f"two tools are called {tool.spec.name!r}: the first is used", "")
        return ToolRegistry(found)

    def _is_ours(self, entry: Mapping[str, Any]) -> bool:
        module = self.catalog.get(str(entry.get("module", "")))
        return module is not None and module.origin == "built in"

    def single(self, kind: ModuleKind, default: str) -> Any:
        """Return the session's orchestrator or context manager."""
        named = self.plan.mount_plan.get("session", {}).get(kind) or default
        return self.make(kind, {"module": named} if isinstance(named, str) else named)

    def make(self, kind: ModuleKind, entry: Mapping[str, Any]) -> Any:
        """Make one module, or None with a problem."""
        module_id = str(entry.get("module", ""))
        module = self.catalog.get(module_id)
        if module is None or module.kind != kind or module.create is None:
            self._not_made(kind, module_id, module)
            return None
        try:
            expanded, missing = expand(dict(entry), environment())
        except ConfigError as error:
            self._problem("error", f"{module_id}: {error}", "unlock the keyring, or set the variable, and start again")
            return None
        if missing:
            names = ", ".join(sorted(missing))
            self._problem("error", f"{module_id} needs the environment variable {names}", "set it and start again")
            return None
        try:
            config = module.config.model_validate(expanded.get("config") or {})
        except ValidationError as error:
            for detail in error.errors():
                place = ".".join(str(part) for part in detail["loc"])
                self._problem("error", f"{module_id}: {place}: {detail['msg']}", f"see `awb module show {module_id}`")
            return None
        context = MountContext(expanded, self.workspace, str(entry.get("id") or module_id), self.resources)
        return self._create(module, config, context)

    def _create(self, module: Module, config: Any, context: MountContext) -> Any:
        assert module.create is not None
        try:
            return module.create(config, context)
        except Exception as error:  # noqa: BLE001  a module may be a stranger's
            severity = "warning" if module.kind in ("tool", "hook") else "error"
            self._problem(severity, f"{module.id} could not start: {error}", "its config may be wrong")
            return None

    def _not_made(self, kind: ModuleKind, module_id: str, module: Module | None) -> None:
        if module is not None and module.noted_only:
            return
        severity = "warning" if kind in ("tool", "hook") else "error"
        near = self.catalog.nearest(module_id, kind)
        why = self.catalog.broken.get(module_id, "")
        hint = f"did you mean {near}?" if near and not why else why
        self._problem(severity, f"unknown {kind} module {module_id!r}", hint)

    def _problem(self, severity: Any, message: str, hint: str) -> None:
        self.problems.append(Problem(severity, message, hint=hint, code="mount"))


def _several(made: Any) -> tuple[Any, ...]:
    """Return what a tool module made: one or more tools, and hooks that belong to them."""
    return tuple(made) if isinstance(made, tuple | list) else (made,)


def _priority(entry: Mapping[str, Any]) -> int:
    value = (entry.get("config") or {}).get("priority", 100)
    return value if isinstance(value, int) else 100


def _summary(name: str, found: tuple[Problem, ...]) -> str:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{name} cannot start a session: {found[0]}{more}"
