"""`hooks-approval`: patterns that make a call ask or deny it, besides the permission rules. It never loosens them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.engine.permissions.rules import Rule
from agent_workbench.engine.ports import HookAnswer, HookEvent, MountContext


class ApprovalRule(ModuleConfig):
    """One pattern."""

    pattern: str = Field(min_length=1)
    """Words to look for anywhere in a call's arguments; * and ? as in a shell."""
    action: Literal["auto_approve", "auto_deny", "ask"] = "ask"
    """What to do then. `auto_approve` is accepted and does nothing: a hook may only tighten."""
    tool: str = "*"
    """The tools that it is about."""


class ApprovalConfig(ModuleConfig):
    """The config of `hooks-approval`."""

    rules: list[ApprovalRule] = Field(default_factory=list)
    """Patterns with what to do; a denying one wins."""
    patterns: list[str] = Field(default_factory=list)
    """Patterns that ask."""
    tools: list[str] = Field(default_factory=list)
    """Tools that always ask."""
    default_action: Literal["deny", "continue"] = "deny"
    """No effect here: a question without an answer always denies."""
    priority: int = 0
    """When it is asked: lower is earlier."""


@dataclass(frozen=True)
class Approval:
    """Asks or denies by pattern. Guards: where it fails, the call is denied."""

    config: ApprovalConfig
    id: str = "hooks-approval"
    events: frozenset[str] = frozenset({"tool:pre"})
    guards: bool = True
    priority: int = 0

    async def handle(self, event: HookEvent) -> HookAnswer:
        """Look at one call."""
        tool, words = str(event.data["tool_name"]), "\n".join(_words(event.data.get("tool_input")))
        asked = [*self.config.rules, *(ApprovalRule(pattern=text) for text in self.config.patterns)]
        found = [each for each in asked if _hits(each, tool, words)]
        for each in found:
            if each.action == "auto_deny":
                return HookAnswer("deny", f"the pattern {each.pattern!r} denies it")
        if any(each.action == "ask" for each in found) or any(_names(text, tool) for text in self.config.tools):
            why = next((f"the pattern {each.pattern!r}" for each in found if each.action == "ask"), f"the tool {tool}")
            return HookAnswer("ask_user", text=f"{why} asks each time")
        return HookAnswer()


def _hits(rule: ApprovalRule, tool: str, words: str) -> bool:
    return _names(rule.tool, tool) and Rule("*", rule.pattern, "deny", "bundle").matches_command(words)


def _names(pattern: str, tool: str) -> bool:
    return Rule(pattern, None, "deny", "bundle").names(tool)


def _words(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [word for item in value.values() for word in _words(item)]
    if isinstance(value, list | tuple):
        return [word for item in value for word in _words(item)]
    return [str(value)]


def create(config: ApprovalConfig, context: MountContext) -> Approval:
    """Make the hook."""
    return Approval(config, context.instance_id or "hooks-approval", priority=config.priority)


MODULE = Module("hooks-approval", "hook", "Makes calls ask, or denies them, by pattern.", ApprovalConfig, create)
