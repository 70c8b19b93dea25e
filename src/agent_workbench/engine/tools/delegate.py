"""`tool-delegate` and `tool-task`: hand work to another agent, which has a conversation and tools of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.configs.plan import AgentSpec
from agent_workbench.conversation.codec import usage_to_json
from agent_workbench.conversation.messages import Message
from agent_workbench.engine.ports import Intent, MountContext, Tool, ToolContext, ToolOutcome, ToolSpec
from agent_workbench.engine.spawning import SELF, Errand, Returned, Spawner
from agent_workbench.errors import WorkbenchError

MAX_TOLD = 20_000
"""Characters of the parent's conversation that a child is told."""


class DelegateSettings(ModuleConfig):
    """What holds for every child."""

    exclude_tools: list[str] = Field(default_factory=lambda: ["tool-delegate"])
    """Tool modules that children do not inherit; by default they cannot delegate further."""
    exclude_hooks: list[str] = Field(default_factory=list)
    """No effect here: hooks that guard a parent guard its children too."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that a child may take."""


class DelegateConfig(ModuleConfig):
    """The config of `tool-delegate`."""

    features: dict[str, Any] = Field(default_factory=dict)
    """Which features are on: `self_delegation`, `session_resume`, `context_inheritance`, each `{enabled: …}`."""
    settings: DelegateSettings = Field(default_factory=DelegateSettings)
    """What children do not inherit, and how long they may take."""
    max_depth: int = Field(default=3, ge=1, le=10)
    """How deep children may have children, where they inherit the tool."""

    def enabled(self, feature: str) -> bool:
        """Whether a feature is on; all are unless the config says otherwise."""
        said = self.features.get(feature)
        return bool(said.get("enabled", True)) if isinstance(said, Mapping) else said is not False

    @property
    def turns(self) -> int:
        """How many exchanges `recent` stands for."""
        said = self.features.get("context_inheritance")
        turns = said.get("max_turns", 10) if isinstance(said, Mapping) else 10
        return turns if isinstance(turns, int) and turns > 0 else 10


class TaskConfig(ModuleConfig):
    """The config of `tool-task`."""

    exclude_tools: list[str] = Field(default_factory=lambda: ["tool-task"])
    """Tool modules that children do not inherit; by default they cannot hand work on."""
    max_recursion_depth: int = Field(default=1, ge=1, le=10)
    """How deep children may have children, where they inherit the tool."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that a child may take."""


@dataclass(frozen=True)
class Delegate:
    """Hand an instruction to an agent and return its last words. `spawner` is None where nobody keeps sessions."""

    name: str
    config: DelegateConfig
    agents: Mapping[str, AgentSpec]
    spawner: Spawner | None

    @property
    def spec(self) -> ToolSpec:
        """How a model sees it: with every agent's description."""
        known = [f"- {agent.name}: {' '.join(agent.description.split())}" for agent in self.agents.values()]
        words = "Hand work to an agent that has a conversation of its own. It sees nothing of yours but the "
        words += "instruction, so say all that it needs; it comes back with one answer. Several calls run at once."
        return ToolSpec(self.name, "\n".join([words, "Agents:", *known]) if known else words, self._schema())

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say who gets which instruction. What the child then does is asked about call by call."""
        return Intent("none", arguments["agent"], preview=arguments["instruction"])

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Run the child to its end; stopping the turn stops it."""
        if self.spawner is None:
            return ToolOutcome("Work cannot be handed on here: nobody keeps the sessions of children.", is_error=True)
        try:
            async with asyncio.timeout(self.config.settings.timeout):
                returned = await self.spawner.run(self._errand(arguments, context), context)
        except WorkbenchError as error:
            return ToolOutcome(f"{arguments['agent']}: {error}", is_error=True)
        except TimeoutError:
            words = f"{arguments['agent']} was stopped: it took more than {self.config.settings.timeout:g} seconds"
            return ToolOutcome(words, is_error=True)
        return _outcome(arguments["agent"], returned)

    def _errand(self, arguments: Mapping[str, Any], context: ToolContext) -> Errand:
        depth = arguments.get("context_depth", "none")
        turns = arguments.get("context_turns", self.config.turns) if depth == "recent" else None
        told = _told(context.history[:-1], turns) if depth != "none" else ""
        preferred: Mapping[str, str] = next(iter(arguments.get("provider_preferences", ())), {})
        return Errand(
            arguments["agent"],
            f"{told}{arguments['instruction']}",
            arguments.get("session_id", ""),
            tuple(self.config.settings.exclude_tools),
            preferred.get("provider", ""),
            preferred.get("model", ""),
            self.config.max_depth,
        )

    def _schema(self) -> dict[str, Any]:
        names = [*self.agents, *([SELF] if self.config.enabled("self_delegation") or not self.agents else [])]
        properties: dict[str, Any] = {
            "agent": {"enum": names, "description": f"Who does it; `{SELF}` is another of you."},
            "instruction": {"type": "string", "minLength": 1, "description": "All that the agent needs to know."},
        }
        if self.config.enabled("session_resume"):
            said = "The session of an agent that came back before, to go on with it."
            properties["session_id"] = {"type": "string", "description": said}
        if self.config.enabled("context_inheritance"):
            said = "How much of this conversation the agent is told; none by default."
            properties["context_depth"] = {"enum": ["none", "recent", "all"], "description": said}
            properties["context_turns"] = {"type": "integer", "minimum": 1, "description": "Exchanges of `recent`."}
        if self.config.enabled("provider_selection"):
            fields = {"provider": {"type": "string"}, "model": {"type": "string"}}
            properties["provider_preferences"] = {
                "type": "array",
                "items": {"type": "object", "properties": fields},
                "description": "Another provider of the config, or another model; the first is taken.",
            }
        return {"type": "object", "properties": properties, "required": ["agent", "instruction"]}


def _told(history: Sequence[Message], turns: int | None) -> str:
    """Return the words of a conversation, or of its last exchanges, as a child is told them."""
    starts = [index for index, message in enumerate(history) if message.role == "user"]
    first = starts[-turns] if turns is not None and len(starts) >= turns else 0
    said = [f"{message.role}: {message.text}" for message in history[first:] if message.role != "tool" and message.text]
    words = "\n\n".join(said)
    if not words:
        return ""
    return f"<conversation>\n{words[-MAX_TOLD:]}\n</conversation>\n\n"


def _outcome(agent: str, returned: Returned) -> ToolOutcome:
    details = {
        "agent": agent,
        "session_id": returned.session_id,
        "status": returned.status,
        "steps": returned.steps,
        "child_usage": usage_to_json(returned.usage),
    }
    kept = f"\n[session_id: {returned.session_id}]"
    if returned.status == "completed":
        return ToolOutcome((returned.text or f"({agent} came back without a word.)") + kept, details=details)
    before = f" Its last words: {returned.text}" if returned.text else ""
    words = f"{agent} did not finish ({returned.status}): {returned.error or 'it does not say why'}.{before}{kept}"
    return ToolOutcome(words, is_error=True, details=details)


def _made(name: str, config: DelegateConfig, context: MountContext) -> tuple[Tool, ...]:
    agents = cast("Mapping[str, AgentSpec]", context.resources.get("agents", {}))
    return (Delegate(name, config, agents, context.resources.get("spawner")),)


def create(config: DelegateConfig, context: MountContext) -> tuple[Tool, ...]:
    """Make `delegate`. The agents come with the resources, under `agents`, and who runs them under `spawner`."""
    return _made("delegate", config, context)


def create_task(config: TaskConfig, context: MountContext) -> tuple[Tool, ...]:
    """Make `task`: the same, without another of the caller, another's conversation or another model."""
    off = {"enabled": False}
    features = {"self_delegation": off, "context_inheritance": off, "provider_selection": off}
    settings = DelegateSettings(exclude_tools=config.exclude_tools, timeout=config.timeout)
    same = DelegateConfig(features=features, settings=settings, max_depth=config.max_recursion_depth)
    return _made("task", same, context)


MODULE = Module(
    "tool-delegate", "tool", "Hand work to the bundle's other agents: delegate.", DelegateConfig, create, ("delegate",)
)
TASK = Module("tool-task", "tool", "Hand work to the bundle's other agents: task.", TaskConfig, create_task, ("task",))
