"""What the engine asks of others: small protocols, and the values that cross them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from agent_workbench.conversation.events import Answer, Question
from agent_workbench.conversation.messages import Image, Message
from agent_workbench.conversation.usage import Usage

JSONSchema = Mapping[str, Any]


# --- providers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it."""

    name: str
    description: str
    input_schema: JSONSchema


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """How a session speaks to its model; empty values leave the choice to the provider's config."""

    provider: str = ""
    """The id (else module id) of the provider entry; empty takes the one with the lowest `priority`."""
    model: str = ""
    effort: str = ""
    max_tokens: int | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a provider: everything it needs, nothing it keeps."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    model: ModelConfig = ModelConfig()
    session_id: str = ""
    conversation: tuple[Message, ...] = field(default=(), compare=False, repr=False)
    """All that was said, where the context manager may have left some of it out of `messages`; never to be sent."""
    spend: Callable[[Usage], None] = field(default=lambda used: None, compare=False, repr=False)
    """Counts what a reply had used, as far as that was said, where the request is given up before its end."""


@dataclass(frozen=True, slots=True)
class ReplyText:
    """A piece of the reply's words."""

    text: str


@dataclass(frozen=True, slots=True)
class ReplyThinking:
    """A piece of the model's thoughts."""

    text: str


@dataclass(frozen=True, slots=True)
class ReplyToolCall:
    """A piece of a tool call's arguments, while they are being written."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The reply is whole. Always the last item of a stream that did not fail."""

    message: Message
    usage: Usage = Usage()
    request_id: str = ""


ReplyItem = ReplyText | ReplyThinking | ReplyToolCall | ReplyDone


@runtime_checkable
class Provider(Protocol):
    """A model provider. One instance serves all sessions of an agent, at once."""

    id: str
    """The entry's `id`, else its module id."""
    default_model: str

    def stream(self, request: Request) -> AsyncIterator[ReplyItem]:
        """Send a request and yield the reply as it comes; the last item is `ReplyDone`.

        Closing the iterator ends the request. A stream that ends without the wire's own stop event is a fault.

        Raises:
            ProviderError: For every failure that is the provider's or the network's.
        """
        ...

    async def models(self) -> Sequence[str]:
        """Return the models on offer, best known first."""
        ...

    async def close(self) -> None:
        """Give back connections. Safe to call twice."""
        ...


# --- tools --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool answers. `details` is for people, JSON, and never sent to a model.

    A `Usage` under `usage` is what a child used: it is counted to the turn and taken out.
    """

    content: str
    is_error: bool = False
    images: tuple[Image, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolContext:
    """What a running call may use.

    `emit` shows live output. `history` is the conversation so far, the running call's reply last: a tool that
    needs to remember reads its own earlier calls from it, so that any process can run the next turn.
    `shared` holds the shared resources by name. `guard` rechecks a resolved path just before it is opened, and raises
    `PermissionError` where it is not one that was approved. `ask` puts a question to the person, `spend` counts
    one reply of a child into the turn, and `left` says what the turn may still use.
    """

    session_id: str
    workspace: Path
    call_id: str = ""
    history: tuple[Message, ...] = ()
    emit: Callable[[str], None] = lambda text: None
    shared: Mapping[str, Any] = field(default_factory=dict)
    guard: Callable[[Path], None] = lambda path: None
    ask: Callable[[Question], Awaitable[Answer]] = lambda question: Nobody().ask(question)
    spend: Callable[[Usage], None] = lambda used: None
    left: Callable[[], Limits] = lambda: Limits()


Access = Literal["read", "write", "execute", "network", "none"]


@dataclass(frozen=True, slots=True)
class Intent:
    """What a call would do, for the permission rules and the question.

    `subject` is what a rule's pattern is matched against (a path, a command, a host); `paths` are the files touched,
    as given; `preview` is the exact command or a diff. `note` is said with a question: what confines a command, or that
    nothing does. `shell` means that `subject` is exactly the text that bash is given: rules may judge its parts.
    """

    access: Access
    subject: str = ""
    paths: tuple[str, ...] = ()
    preview: str = ""
    preview_kind: Literal["text", "diff", "command"] = "text"
    note: str = ""
    shell: bool = False


@runtime_checkable
class Tool(Protocol):
    """A tool. One instance serves all sessions of an agent; what a call needs comes in its context."""

    @property
    def spec(self) -> ToolSpec:
        """How a model sees the tool."""
        ...

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say what a call with these arguments would do, without doing it. Arguments fit the schema."""
        ...

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Do it. An exception becomes an error result for the model; cancellation must stop all of it."""
        ...


@runtime_checkable
class ToolSource(Protocol):
    """Brings tools that become known while sessions run. A tool module may make some besides tools and hooks."""

    @property
    def problems(self) -> Sequence[str]:
        """What a person should know about it."""
        ...

    def tools(self) -> Sequence[Tool]:
        """Return the tools as they are known now. Asked before every step, so it must be quick."""
        ...

    async def close(self) -> None:
        """Give back connections and processes. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class ToolRegistry:
    """The tools of one session by name, in the order that the model sees."""

    tools: Mapping[str, Tool] = field(default_factory=dict)

    def get(self, name: str) -> Tool | None:
        """Return a tool, or None."""
        return self.tools.get(name)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """How a model sees them."""
        return tuple(tool.spec for tool in self.tools.values())

    def adding(self, tools: Iterable[Tool]) -> ToolRegistry:
        """Return a registry with more tools at its end; none takes a name that is there."""
        known = dict(self.tools)
        for tool in tools:
            known.setdefault(tool.spec.name, tool)
        return ToolRegistry(known)

    def without(self, names: Sequence[str]) -> ToolRegistry:
        """Return a registry that lacks some."""
        return ToolRegistry({name: tool for name, tool in self.tools.items() if name not in names})


# --- hooks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HookEvent:
    """A lifecycle event with the original's name (`tool:pre`, `prompt:submit`, …) and its data.

    `tool:*` carry `tool_name`, `tool_input` and (afterwards) `result`; `provider:request` carries `history`, the
    messages as values; `prompt:submit` carries `prompt`. All but `history` is JSON.
    """

    name: str
    session_id: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What a hook wants: precedence deny > ask_user > inject_context > modify > continue."""

    action: Literal["continue", "deny", "modify", "inject_context", "ask_user"] = "continue"
    reason: str = ""
    data: Mapping[str, Any] | None = None
    """For `modify`: the data to use instead."""
    text: str = ""
    """For `inject_context`: what to add; for `ask_user`: the question."""
    role: Literal["system", "user"] = "user"
    ephemeral: bool = True


@runtime_checkable
class Hook(Protocol):
    """A hook. `events` names what it hears; `guards` says whether its failure must deny."""

    id: str
    events: frozenset[str]
    guards: bool
    priority: int

    async def handle(self, event: HookEvent) -> HookAnswer:
        """Answer one event."""
        ...


# --- front ends ---------------------------------------------------------------------------------------------------


class Frontend(Protocol):
    """Who can be asked. Passed per call and never held."""

    async def ask(self, question: Question) -> Answer:
        """Return a person's answer to a permission question; being cancelled means deny."""
        ...


class Nobody:
    """The front end of a script: nobody is there, so what would ask is denied."""

    async def ask(self, question: Question) -> Answer:
        """Deny."""
        return Answer("deny", "nobody was there to ask")


# --- mounting -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MountContext:
    """What a module's `create` gets besides its config.

    `entry` is the bundle's whole entry with environment references expanded. `workspace` is where the session works
    (providers must not use it: they are shared). `priority` comes from the entry's config.
    """

    entry: Mapping[str, Any]
    workspace: Path
    instance_id: str = ""
    resources: Mapping[str, Any] = field(default_factory=dict)


Steer = Callable[[], Awaitable[Sequence[Message]]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a turn may use; None is no limit. Children count too."""

    max_steps: int = 50
    max_tokens: int | None = None
    max_cost: float | None = None
    max_seconds: float | None = None
