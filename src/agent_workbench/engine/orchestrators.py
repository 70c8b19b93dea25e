"""Orchestrators as modules: settings for the one loop there is, under the original's names and keys."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.engine.ports import Limits, MountContext

DEFAULT_STEPS = 50
UNLIMITED_STEPS = 10_000
"""What `max_iterations: -1` means: no turn of a person's needs as many, and a runaway one ends."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """What an orchestrator's config says about a turn. `effort` is the model's, where thinking is asked for."""

    limits: Limits = Limits()
    parallel_tools: bool = True
    min_delay_s: float = 0.0
    effort: str = ""


class LoopConfig(ModuleConfig):
    """The config of `loop-basic` and `loop-streaming`."""

    max_iterations: int = Field(default=DEFAULT_STEPS, ge=-1)
    """How many requests a turn may take; -1 for no limit worth the name."""
    max_tokens: int | None = Field(default=None, ge=1)
    """How many tokens a turn may use, in and out, children included."""
    max_cost: float | None = Field(default=None, ge=0)
    """How many US dollars a turn may cost, as far as prices are known."""
    max_seconds: float | None = Field(default=None, ge=0)
    """How long a turn may take."""
    parallel_tools: bool = True
    """Run the tool calls of one reply at once; results come in call order either way."""
    extended_thinking: bool = False
    """Ask the model to think before it answers."""
    min_delay_between_calls_ms: int = Field(default=0, ge=0)
    """The least time between two requests of a turn."""


def create(config: LoopConfig, context: MountContext) -> LoopSettings:
    """Read an orchestrator's config."""
    steps = UNLIMITED_STEPS if config.max_iterations < 0 else config.max_iterations
    limits = Limits(steps, config.max_tokens, config.max_cost, config.max_seconds)
    effort = "high" if config.extended_thinking else ""
    return LoopSettings(limits, config.parallel_tools, config.min_delay_between_calls_ms / 1000, effort)


BASIC = Module("loop-basic", "orchestrator", "The run loop; replies are streamed here too.", LoopConfig, create)
STREAMING = Module(
    "loop-streaming", "orchestrator", "The run loop: streams replies, runs tool calls at once.", LoopConfig, create
)
