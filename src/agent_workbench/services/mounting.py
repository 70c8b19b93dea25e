"""Mounting: a plan becomes an agent, with live providers, tools and hooks; what cannot be made is a problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent_workbench.configs.environment import expand
from agent_workbench.configs.modules import SECTION, Catalog, Module, ModuleKind
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import Problem, errors, worst_first
from agent_workbench.engine.orchestrators import LoopSettings
from agent_workbench.engine.permissions import Mode, Rule
from agent_workbench.engine.permissions.protected import MadeFrom
from agent_workbench.engine.ports import Hook, MountContext, Provider, Tool, ToolRegistry, ToolSource
from agent_workbench.engine.session_config import ContextPolicy
from agent_workbench.errors import ConfigError, InvalidBundle
from agent_workbench.services.keys import environment
from agent_workbench.services.permissions import mode_of, rules_of


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
    mounting.check(providers)
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

    def check(self, providers: Sequence[Any]) -> None:
        """Refuse what cannot run: with an error, or without a provider."""
        if not providers and not errors(self.problems):
            hint = "press the add-provider key, or `awb config add-provider CONFIG provider-mock` to try it offline"
            self.problems.append(Problem("error", "no provider: a session needs one", hint=hint, code="no-provider"))
        if found := errors(self.problems):
            raise InvalidBundle(_summary(self.plan.name, found), worst_first(self.problems))

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
    first, more = found[0], f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    place = f"{first.source or name}, line {first.line}" if first.line else first.source or name
    hint = f" ({first.hint})" if first.hint else ""
    return f"{place}: {first.message}{hint}{more}"
