"""What the engine's tests share: a session with a scripted model, small tools, and people who answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent_workbench.conversation.events import Answer, Event, Question
from agent_workbench.conversation.messages import Message, user
from agent_workbench.engine.loop import run_turn
from agent_workbench.engine.permissions import Mode, PermissionManager, Rule
from agent_workbench.engine.ports import (
    Frontend,
    Intent,
    ModelConfig,
    MountContext,
    Nobody,
    Provider,
    Tool,
    ToolContext,
    ToolOutcome,
    ToolRegistry,
    ToolSpec,
)
from agent_workbench.engine.providers.mock import MODULE, MockConfig, MockProvider
from agent_workbench.engine.session_config import SessionConfig

OPEN_SCHEMA: Mapping[str, Any] = {"type": "object"}


class Echo:
    """A tool whose behaviour is a function."""

    def __init__(
        self,
        name: str = "echo",
        body: Callable[[Mapping[str, Any], ToolContext], Awaitable[ToolOutcome]] | None = None,
        *,
        intent: Intent = Intent("none"),
        schema: Mapping[str, Any] = OPEN_SCHEMA,
    ) -> None:
        self.spec = ToolSpec(name, f"The tool {name}.", schema)
        self.ran: list[Mapping[str, Any]] = []
        self._body, self._intent = body, intent

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        return self._intent

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        self.ran.append(arguments)
        if self._body is not None:
            return await self._body(arguments, context)
        return ToolOutcome(f"echo {dict(arguments)}")


class Person:
    """A front end that answers with what it was given, in order, and keeps the questions."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.questions: list[Question] = []

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        return self.answers.pop(0)


def scripted(*responses: object, **config: object) -> MockProvider:
    """Make a scripted model: strings, or maps as in `provider-mock`."""
    validated = MockConfig.model_validate({"responses": list(responses), "delay": 0, **config})
    assert MODULE.create is not None
    made: MockProvider = MODULE.create(validated, MountContext({}, Path("/"), "provider-mock"))
    return made


def calling(*calls: tuple[str, object], text: str = "") -> dict[str, object]:
    """Script a reply that calls tools."""
    listed = [{"name": name, "arguments": arguments, "id": f"c{n}"} for n, (name, arguments) in enumerate(calls, 1)]
    return {"text": text, "tool_calls": listed}


def session(
    provider: Provider | Sequence[Provider],
    *tools: Tool,
    workspace: Path = Path("/workspace"),
    mode: Mode = "ask",
    rules: Sequence[Rule] = (),
    **more: Any,
) -> SessionConfig:
    """Make a session's config around a model and tools."""
    providers = tuple(provider) if isinstance(provider, Sequence) else (provider,)
    return SessionConfig(
        "s1", workspace, "You are a test.", ToolRegistry({tool.spec.name: tool for tool in tools}),
        PermissionManager(workspace, tuple(rules), mode), ModelConfig(), providers, **more,
    )  # fmt: skip


async def played(
    config: SessionConfig, said: str | Sequence[Message] = "go", frontend: Frontend | None = None, **more: Any
) -> list[Event]:
    """Run a whole turn and return its events."""
    history = [user(said)] if isinstance(said, str) else said
    return [event async for event in run_turn(history, config, frontend or Nobody(), **more)]


def of(events: Sequence[Event], kind: type) -> list[Any]:
    """Keep the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


async def forever(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
    """Be a tool that hangs."""
    await asyncio.Event().wait()
    return ToolOutcome("never")
