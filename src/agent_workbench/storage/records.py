"""What storage keeps, as values. Times are aware UTC datetimes; ids are UUID strings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from agent_workbench.conversation.messages import Message
from agent_workbench.conversation.usage import Usage

SessionStatus = Literal["active", "completed", "failed", "cancelled"]
TurnState = Literal["running", "completed", "cancelled", "failed", "limited"]


@dataclass(frozen=True, slots=True)
class ConfigMetadata:
    """A config without its text, for lists."""

    config_id: str
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    revision: int = 1
    content_hash: str = ""
    size: int = 0
    """Code points of the text."""
    sessions: int = 0
    """How many sessions use it."""
    outside: bool = False
    """Whether its text came from outside and nobody trusted it."""


@dataclass(frozen=True, slots=True)
class Config(ConfigMetadata):
    """A stored config: the complete YAML bundle. `revision` counts the saved texts from 1."""

    yaml_content: str = ""


@dataclass(frozen=True, slots=True)
class NewConfig:
    """A config that is to be stored. `author` and `note` go into its history."""

    name: str
    yaml_content: str
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    author: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """One saved text of a config."""

    config_id: str
    revision: int
    yaml_content: str
    content_hash: str
    created_at: datetime
    author: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A session without its messages. `settings` are its own overrides as JSON (model, mode, limits, grants).

    `workspace` is the folder it was started in; `pinned_revision` is None where it follows its config.
    `state` is what it does now: `idle`, `running`, or `interrupted` (a turn was left by a dead process);
    `needs_you` is set while a permission question waits.
    """

    session_id: str
    config_id: str
    status: SessionStatus
    created_at: datetime
    updated_at: datetime
    message_count: int = 0
    title: str = ""
    user_id: str = ""
    workspace: str = ""
    parent_session_id: str | None = None
    pinned_revision: int | None = None
    draft: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    config_name: str = ""
    state: Literal["idle", "running", "interrupted"] = "idle"
    needs_you: bool = False
    cost: Decimal | None = None
    unpriced: int = 0
    """How many replies `cost` is without, because nobody knows their price."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with its place. `seq` counts from 1 within the session, without gaps."""

    session_id: str
    seq: int
    turn_id: str
    message: Message
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """A person's message and the title of the session that it was said in."""

    session_id: str
    title: str
    message: Message


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was searched for, and the words around what was found in it, on one line."""

    session_id: str
    seq: int
    excerpt: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: a person's message and everything until the model stopped."""

    turn_id: str
    session_id: str
    state: TurnState
    config_revision: int
    model: str
    started_at: datetime
    finished_at: datetime | None = None
    usage: Usage = Usage()
    steps: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What the turns of one day (UTC) used, and how many there were."""

    day: date
    usage: Usage
    turns: int


UsageBy = Literal["day", "config", "session", "model"]


@dataclass(frozen=True, slots=True)
class UsedBy:
    """What the turns of one day (UTC), config, session or model used.

    `key` is the day, the id, or the model's name; `name` is the config's name or the session's title. Of the `turns`,
    `unpriced` are those that got a reply whose price nobody knows: `usage.cost` is without those replies. A turn that
    several models answered in counts for each of them.
    """

    key: str
    name: str
    usage: Usage
    turns: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """Something that happened in a turn besides its messages: a tool started, a question, a notice."""

    event_id: int
    session_id: str
    turn_id: str
    kind: str
    data: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a turn in a session. Every append carries `epoch`; a stale one is refused."""

    session_id: str
    owner: str
    epoch: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Partial:
    """The reply that a turn is streaming. `after` is the `seq` of the session's last message when it was taken."""

    lease: Lease
    turn_id: str
    message: Message
    after: int


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list, in which order. `sort` is one of the names that a store allows."""

    limit: int = 50
    offset: int = 0
    sort: str = "updated"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Memory:
    """One remembered JSON value. `revision` counts its changes from 1."""

    scope: str
    key: str
    value: Any
    revision: int
    author: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Post:
    """One message on the board. `post_id` grows, so a reader asks for what came after the last it saw."""

    post_id: int
    scope: str
    topic: str
    author: str
    body: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SharedFile:
    """One file that agents share, without its bytes. `size` is in bytes, `revision` counts its changes from 1."""

    scope: str
    path: str
    size: int
    content_hash: str
    revision: int
    author: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a text from elsewhere. `outside` is one that nobody confirmed.

    `source` is where it came from, for people. `place` and `text` are there where it was trusted as an include: the
    same place for each version of it, and the text as it was read then.
    """

    digest: str
    state: Literal["outside", "trusted"] = "trusted"
    source: str = ""
    place: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission rule that a person saved. `scope_id` is the session's or config's id; empty for the user's own."""

    grant_id: int
    scope: Literal["session", "config", "user"]
    scope_id: str
    rule: str
    decision: Literal["allow", "ask", "deny"]
    created_at: datetime
