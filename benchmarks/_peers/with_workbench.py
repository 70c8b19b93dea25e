"""The agreed turn with our own loop."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from measure import INSTRUCTIONS, QUESTION, main

from agent_workbench.conversation.events import ReplyFinished, TurnFinished
from agent_workbench.conversation.messages import user
from agent_workbench.engine.context import SIMPLE
from agent_workbench.engine.loop import run_turn
from agent_workbench.engine.permissions import PermissionManager
from agent_workbench.engine.ports import (
    Intent,
    ModelConfig,
    MountContext,
    Nobody,
    ToolContext,
    ToolOutcome,
    ToolRegistry,
    ToolSpec,
)
from agent_workbench.engine.providers import anthropic, chat_completions, openai
from agent_workbench.engine.session_config import SessionConfig

NUMBER = {"type": "integer"}
SCHEMA = {"type": "object", "properties": {"a": NUMBER, "b": NUMBER}, "required": ["a", "b"]}
MODULES: Mapping[str, Any] = {
    "chat": (chat_completions.MODULE, "/v1"),
    "responses": (openai.MODULE, "/v1"),
    "anthropic": (anthropic.MODULE, ""),
}


class Add:
    """Adds two numbers."""

    spec = ToolSpec("add", "Add two numbers.", SCHEMA)

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Touch nothing."""
        return Intent("none")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Add."""
        return ToolOutcome(str(arguments["a"] + arguments["b"]))


def make(url: str, wire: str) -> Callable[[], Awaitable[str]]:
    """Return a turn."""
    config = session(url, wire, "turns")

    async def turn() -> str:
        answer = ""
        async for event in run_turn([user(QUESTION)], config, Nobody()):
            match event:
                case ReplyFinished(message):
                    answer = message.text
                case TurnFinished(status, error=error):
                    assert status == "completed", error
        return answer

    return turn


def session(url: str, wire: str, model: str) -> SessionConfig:
    """Return what a session runs with: one tool, the usual context manager, no hooks."""
    module, path = MODULES[wire]
    settings = {"base_url": url + path, "api_key": "none", "default_model": model}
    provider = module.create(module.config.model_validate(settings), MountContext({}, Path.cwd()))
    policy = SIMPLE.create(SIMPLE.config(), MountContext({}, Path.cwd()))
    folder = Path.cwd()
    return SessionConfig(
        "s", folder, INSTRUCTIONS, ToolRegistry({"add": Add()}), PermissionManager(folder), ModelConfig(), (provider,),
        history_policy=policy,
    )  # fmt: skip


if __name__ == "__main__" and len(sys.argv) > 1:
    main(make)
