"""What one session runs with: everything a turn needs, and nothing that it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from agent_workbench.conversation.messages import Message
from agent_workbench.engine.permissions import PermissionManager
from agent_workbench.engine.ports import Hook, Limits, ModelConfig, Provider, ToolRegistry
from agent_workbench.errors import ProviderError


@dataclass(frozen=True, slots=True)
class View:
    """The messages that a request carries, and a line about what was left out (empty where nothing was).

    `left_out` and `shortened` are the numbers of the messages that this is about, counted from 1 as they are stored.
    """

    messages: tuple[Message, ...]
    dropped: str = ""
    left_out: tuple[int, ...] = ()
    shortened: tuple[int, ...] = ()


class ContextPolicy(Protocol):
    """Decides which part of a conversation a request carries. The stored transcript stays whole."""

    def view(self, history: Sequence[Message], *, system: str = "", squeeze: bool = False) -> View:
        """Return what to send; `squeeze` asks for much less, after a provider refused the size."""
        ...

    def memory(self, workspace: Path) -> str:
        """Return what stands in the system prompt besides the instruction (memory files), or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Compaction:
    """A person's wish to send less from the first request on that comes after so many messages.

    Messages that hold all the words of `keep` are sent whole, then and later.
    """

    after: int
    keep: str = ""


@runtime_checkable
class Compacts(ContextPolicy, Protocol):
    """A context policy that can be asked to send less; one without this decides alone."""

    def asked(self, compactions: Sequence[Compaction]) -> ContextPolicy:
        """Return the same policy with these wishes besides those that it has."""
        ...


@dataclass(frozen=True)
class SessionConfig:
    """One session's tools, permissions, model, limits and hooks; made from an agent and the session's own overrides.

    `providers` are best first. `revision` is the config's, for the record. `history_policy` is the context manager;
    without one, everything is sent. `min_delay_s` is the least time between two requests, `tool_seconds` what one call
    may take, whatever the tool itself allows.
    """

    session_id: str
    workspace: Path
    system: str
    tools: ToolRegistry
    permissions: PermissionManager
    model: ModelConfig
    providers: tuple[Provider, ...]
    hooks: tuple[Hook, ...] = ()
    limits: Limits = Limits()
    shared: Mapping[str, Any] = field(default_factory=dict)
    parallel_tools: bool = True
    history_policy: ContextPolicy | None = None
    revision: int = 0
    min_delay_s: float = 0.0
    tool_seconds: float = 3600.0

    def candidates(self) -> tuple[Provider, ...]:
        """Return the providers to try in order: the chosen one alone, else all by priority.

        Raises:
            ProviderError: If there is none, or none of that name.
        """
        if not self.providers:
            raise ProviderError("the config has no provider: add one under `providers:`", kind="setup")
        if not self.model.provider:
            return self.providers
        chosen = tuple(provider for provider in self.providers if provider.id == self.model.provider)
        if not chosen:
            known = ", ".join(provider.id for provider in self.providers)
            raise ProviderError(f"the config has no provider {self.model.provider!r} (it has {known})", kind="setup")
        return chosen

    @property
    def model_name(self) -> str:
        """The model that the next request goes to, as far as it is known."""
        if self.model.model:
            return self.model.model
        named = [p for p in self.providers if not self.model.provider or p.id == self.model.provider]
        return named[0].default_model if named else ""
