"""What happens in a turn, as frozen events; every front end is one `match` over them.

Order in a turn: `TurnStarted`, then for each step `StepStarted`, deltas, `ReplyFinished`, then for
its tool calls `ToolStarted` … `ToolFinished`, then `ResultsReady`; at the end exactly one `TurnFinished`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from agent_workbench.conversation.messages import Message, ToolCall, ToolResult
from agent_workbench.conversation.usage import Usage

TurnStatus = Literal["completed", "cancelled", "failed", "limited"]
Decision = Literal["allow", "allow_session", "allow_always", "deny"]


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A turn began. `revision` is the config's."""

    turn_id: str
    revision: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class UserSaid:
    """A person's message was stored and is part of the turn (the first, or one steered in)."""

    message: Message


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A request is about to be sent. Steps count from 1."""

    step: int
    model: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the reply's words."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More of what the model thinks."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A tool call is being written. `name` may be empty in later pieces; the call is not run yet."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """A reply is whole and is to be remembered."""

    message: Message
    usage: Usage = Usage()
    duration_s: float = 0.0
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is about to run; whoever remembers, remembers this first."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """A running tool printed something."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool call has its result: the tool's own, or one made up (denied, cancelled, unknown tool).

    `usage` is what the replies of child agents used for it.
    """

    call: ToolCall
    result: ToolResult
    duration_s: float = 0.0
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class ResultsReady:
    """All results of a reply's calls, in call order, as the message to be remembered."""

    message: Message


@dataclass(frozen=True, slots=True)
class Question:
    """A permission question: may this call run?

    `preview` is exact (the command, or a diff); `paths` are resolved. `scopes` are the decisions offered
    besides `deny`; `rules` are what `allow_session` and `allow_always` would save. `firm` says that something asks
    besides the default (a rule, a protected path, a hook, a repeated call), so that only a person may answer. `id` is
    of this one asking: a model may give two calls the same id, and an answer counts for the question alone that it was
    given to.
    """

    call: ToolCall
    reason: str
    preview: str = ""
    preview_kind: Literal["text", "diff", "command"] = "text"
    paths: tuple[str, ...] = ()
    scopes: tuple[Decision, ...] = ("allow", "allow_session")
    rules: tuple[str, ...] = ()
    firm: bool = False
    id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's answer. Whatever is not an allowing decision denies."""

    decision: Decision
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRequired:
    """The turn waits for an answer to a question."""

    question: Question


@dataclass(frozen=True, slots=True)
class ApprovalAnswered:
    """A question was answered, by a person or by its time running out."""

    call_id: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Retrying:
    """A request failed before anything was shown and is sent again in `delay_s` seconds.

    `usage` is what it had used, `request_id` the provider's own name for it, as far as either is known.
    """

    attempt: int
    delay_s: float
    reason: str
    usage: Usage = Usage()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for people: a config change that took effect, a skipped hook, a warning."""

    text: str
    severity: Literal["information", "warning", "error"] = "information"
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The turn is over. `error` says why when `status` is not `completed`.

    Where a provider failed, `request_id` is its own name for the request, and `config_path` the value of the config to
    look at, as a plan's origins spell it, if one can help.
    """

    status: TurnStatus
    usage: Usage = Usage()
    steps: int = 0
    error: str = ""
    error_kind: str = ""
    request_id: str = ""
    config_path: str = ""


Event = (
    TurnStarted | UserSaid | StepStarted | TextDelta | ThinkingDelta | ToolCallDelta | ReplyFinished
    | ToolStarted | ToolOutput | ToolFinished | ResultsReady | ApprovalRequired | ApprovalAnswered | Retrying | Notice
    | TurnFinished
)  # fmt: skip
