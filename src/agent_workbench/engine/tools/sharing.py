"""What tools of shared resources have in common: who shares, who wrote, and a word about what others changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from agent_workbench.configs.modules import ModuleConfig
from agent_workbench.conversation.messages import Message
from agent_workbench.engine.ports import HookAnswer, HookEvent, MountContext, ToolOutcome
from agent_workbench.errors import WorkbenchError

S = TypeVar("S")
MAX_NAMED = 10
"""How many changed things one word about changes names."""


class SharedConfig(ModuleConfig):
    """The config of a shared resource."""

    namespace: str = ""
    """Who shares: all sessions whose config says the same here. Empty means those of the same folder."""
    access: Literal["read", "write"] = "write"
    """What the tools may do; the permission rules hold besides."""
    notify: bool = True
    """Tell the model, before a request, what other sessions changed since it looked."""

    def scope(self, context: MountContext) -> str:
        """Return what keeps this group's things apart from those of others."""
        return f"shared:{self.namespace}" if self.namespace else f"workspace:{context.workspace.resolve()}"


@dataclass(frozen=True, slots=True)
class Pins:
    """Where what a person approved is kept: JSON values by key. Both may block; `load` returns None where none is."""

    load: Callable[[str], Any]
    save: Callable[[str, Any], None]


class Changed(Protocol):
    """A stored thing that somebody changed at a moment."""

    @property
    def author(self) -> str:
        """The session that wrote it."""
        ...

    @property
    def updated_at(self) -> datetime:
        """When."""
        ...


@dataclass(frozen=True)
class News:
    """A hook that tells the model what others changed. `look` gets what was seen and returns lines; it may block.

    What was seen stands in the conversation: the last `seen` among the details of the results of the tools. So any
    process can run the next turn.
    """

    resource: str
    tools: tuple[str, ...]
    look: Callable[[Any, str], Sequence[str]]
    priority: int = 500
    guards: bool = False
    events: frozenset[str] = frozenset({"provider:request"})

    @property
    def id(self) -> str:
        """How notices name it."""
        return f"news of {self.resource}"

    async def handle(self, event: HookEvent) -> HookAnswer:
        """Add what is new since the conversation last looked, if anything is."""
        history: Sequence[Message] = event.data.get("history", ())
        lines = await asyncio.to_thread(self.look, last_seen(history, self.tools), event.session_id)
        if not lines:
            return HookAnswer()
        shown = [*lines[:MAX_NAMED], *([f"and {len(lines) - MAX_NAMED} more"] if len(lines) > MAX_NAMED else [])]
        words = f"Other sessions changed {self.resource} since you looked; read it if it matters for the task:"
        return HookAnswer("inject_context", text="\n- ".join([words, *shown]))


def last_seen(history: Sequence[Message], tools: Iterable[str]) -> Any:
    """Return the newest `seen` that results of these tools have in their details, or None."""
    names = frozenset(tools)
    calls = {call.call_id: call.name for message in history for call in message.tool_calls}
    for message in reversed(history):
        for result in reversed(message.tool_results):
            if calls.get(result.call_id) in names and "seen" in result.details:
                return result.details["seen"]
    return None


def newest(things: Iterable[Changed]) -> str:
    """Return the moment of the newest change as text, empty where there is nothing."""
    return max((thing.updated_at.isoformat() for thing in things), default="")


def changed_since(things: Iterable[Any], seen: Any, session_id: str) -> list[Any]:
    """Return what other sessions changed after a moment that `newest` returned; all of theirs where it is None."""
    since = seen if isinstance(seen, str) else ""
    return [thing for thing in things if thing.author != session_id and thing.updated_at.isoformat() > since]


@dataclass(frozen=True)
class SharedTool(Generic[S]):
    """A tool over what sessions share. `store` is None where no database is open; `scope` says who shares."""

    store: S | None
    scope: str
    what: ClassVar[str]
    """What people call the resource."""

    async def stored(self, call: Callable[[S], ToolOutcome]) -> ToolOutcome:
        """Run a call of the store in a thread; what it refuses is an answer for the model."""
        store = self.store
        if store is None:
            return unavailable(self.what)
        try:
            return await asyncio.to_thread(call, store)
        except WorkbenchError as error:
            return ToolOutcome(str(error), is_error=True)


def mounted(
    config: SharedConfig,
    context: MountContext,
    resource: str,
    tools: Mapping[type[SharedTool[Any]], Literal["read", "write"]],
    news: Callable[[Any, str], News],
) -> tuple[object, ...]:
    """Make the tools that the config's access allows, and the hook that tells of changes.

    `resource` is where the process keeps the store, and `news` makes the hook of a store and a scope.
    """
    store, scope = context.resources.get(resource), config.scope(context)
    made = [tool(store, scope) for tool, access in tools.items() if access in ("read", config.access)]
    return (*made, news(store, scope)) if store is not None and config.notify else tuple(made)


def unavailable(what: str) -> ToolOutcome:
    """Answer where no store is there."""
    return ToolOutcome(f"{what} is not available here: no database is open.", is_error=True)


def text_field(description: str, limit: int, **more: Any) -> Mapping[str, Any]:
    """Return the schema of a text that must not be empty."""
    return {"type": "string", "minLength": 1, "maxLength": limit, "description": description, **more}
