"""Handing work to another agent: what a tool asks for, and what comes back. Whoever keeps sessions implements it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agent_workbench.conversation.events import TurnStatus
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.ports import ToolContext

SELF = "self"
"""The agent that is the caller itself, with a conversation of its own."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Work for another agent.

    `session_id` goes on with a child of before. `without` names the tool modules that the child does not inherit.
    `provider` and `model` choose for it, empty leaves the choice to the agent. Children of children count their depth:
    an errand that would be deeper than `max_depth` is refused.
    """

    agent: str
    instruction: str
    session_id: str = ""
    without: tuple[str, ...] = ()
    provider: str = ""
    model: str = ""
    max_depth: int = 1


@dataclass(frozen=True, slots=True)
class Returned:
    """What a child came back with. `text` is its last words; `error` says why it did not end well."""

    session_id: str
    text: str
    status: TurnStatus
    error: str = ""
    steps: int = 0
    usage: Usage = Usage()


class Spawner(Protocol):
    """Runs children. Found in the resources under `spawner`."""

    async def run(self, errand: Errand, context: ToolContext) -> Returned:
        """Run an errand to its end, as a child of the session that `context` belongs to.

        The child's words are shown through `context.emit`, its questions go to `context.ask` under the child's name,
        what it uses is counted by `context.spend`, and it stops before a request that would be over `context.left()`.
        Its permissions are those of its parent. Cancelling this cancels the child.

        Raises:
            NotFound: If there is no such agent, or no such child to go on with.
            LimitReached: If it would be too deep.
            WorkbenchError: If the child cannot run.
        """
        ...
