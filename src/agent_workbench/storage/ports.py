"""The store protocols that services see. All calls are synchronous, short, and safe from any thread.

Every write is one transaction. Failures: `NotFound`, `RevisionConflict`, `InUse`, `SessionBusy`, `StorageBusy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from agent_workbench.conversation.messages import Message
from agent_workbench.conversation.usage import Usage
from agent_workbench.storage.records import (
    Config,
    ConfigMetadata,
    DayUsage,
    Grant,
    Hit,
    Lease,
    Memory,
    NewConfig,
    Page,
    Partial,
    Post,
    Revision,
    Said,
    Session,
    SessionStatus,
    SharedFile,
    Standing,
    StoredEvent,
    StoredMessage,
    Turn,
    TurnState,
    UsageBy,
    UsedBy,
)


class ConfigStore(Protocol):
    """Configs and their revisions."""

    def create(
        self,
        name: str,
        yaml_content: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        author: str = "",
        note: str = "",
        outside: str = "",
        over: str = "",
    ) -> Config:
        """Store a new config as revision 1.

        `outside` says where the text came from, if no person here wrote it: it is then not trusted (see `TrustStore`).
        One that was written `over` another, known by its hash, is as much trusted as that.
        """
        ...

    def get(self, config_id: str) -> Config | None: ...

    def names(self) -> Sequence[str]:
        """Return the names of all configs, each once."""
        ...

    def find(self, name: str) -> Sequence[ConfigMetadata]:
        """Return the configs of exactly this name, newest first."""
        ...

    def update(
        self,
        config_id: str,
        *,
        name: str | None = None,
        yaml_content: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        expected_revision: int | None = None,
        author: str = "",
        note: str = "",
        outside: str = "",
    ) -> Config:
        """Change the given fields; a changed text is a new revision, an equal one is not.

        A new text is as much trusted as the one before it, unless it came from `outside` (see `create`).

        Raises:
            NotFound: If there is no such config.
            RevisionConflict: If `expected_revision` is not the current one.
        """
        ...

    def delete(self, config_id: str, *, force: bool = False) -> bool:
        """Delete a config and its revisions; with `force` its sessions too. False where there was none.

        Raises:
            InUse: If sessions use it and `force` is not set.
        """
        ...

    def list_configs(self, page: Page = Page(), *, q: str = "", tag: str = "") -> tuple[Sequence[ConfigMetadata], int]:
        """Return a page and the total. `q` searches names, descriptions and texts; `tag` is `key` or `key=value`."""
        ...

    def revisions(self, config_id: str, *, limit: int = 100, offset: int = 0) -> Sequence[Revision]:
        """Return the saved texts, newest first."""
        ...

    def revision(self, config_id: str, number: int) -> Revision | None: ...

    def prune(self, config_id: str, *, keep: int) -> int:
        """Delete all but the newest `keep` revisions (and those that sessions are pinned to); return how many."""
        ...


class SessionStore(Protocol):
    """Sessions, their messages, turns, events and leases."""

    def create(
        self,
        config_id: str,
        *,
        title: str = "",
        user_id: str = "",
        workspace: str = "",
        parent_session_id: str | None = None,
        pinned_revision: int | None = None,
        tags: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        messages: Sequence[Message] = (),
    ) -> Session:
        """Start a session, with messages where it continues or forks others.

        Raises:
            NotFound: If there is no such config.
        """
        ...

    def get(self, session_id: str) -> Session | None: ...

    def update(
        self,
        session_id: str,
        *,
        title: str | None = None,
        status: SessionStatus | None = None,
        draft: str | None = None,
        tags: Mapping[str, str] | None = None,
        pinned_revision: int | None = None,
        unpin: bool = False,
        needs_you: bool | None = None,
    ) -> Session:
        """Change the given fields (NotFound where there is no such session)."""
        ...

    def change_settings(
        self, session_id: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> tuple[Session, Session]:
        """Replace a session's settings by what a function makes of them, in one transaction; before and after."""
        ...

    def delete(self, session_id: str) -> bool: ...

    def list_sessions(
        self,
        page: Page = Page(),
        *,
        config_id: str = "",
        status: str = "",
        q: str = "",
        workspace: str = "",
        parent_session_id: str | None = None,
    ) -> tuple[Sequence[Session], int]:
        """Return a page and the total.

        `workspace` puts that folder's sessions first. `q` searches titles and messages.
        """
        ...

    def messages(self, session_id: str, *, after: int = 0, limit: int | None = None) -> Sequence[StoredMessage]:
        """Return messages in order, those with `seq > after`."""
        ...

    def transcript(self, session_id: str) -> list[dict[str, Any]]:
        """Return the JSON array of the `transcripts` view."""
        ...

    def search(self, q: str, *, limit: int = 50) -> Sequence[StoredMessage]:
        """Return messages that hold the words, newest first."""
        ...

    def hits(self, q: str, session_ids: Sequence[str]) -> Mapping[str, Hit]:
        """Return for each of these sessions its newest message that holds the words, where one does."""
        ...

    def said(self, *, limit: int = 300) -> Sequence[Said]:
        """Return what people said in all sessions, newest first; not what agents were told, nor what is over 100 kB."""
        ...

    # turns: the lease is held from `begin_turn` to `end_turn`

    def begin_turn(
        self,
        session_id: str,
        turn_id: str,
        message: Message | None,
        *,
        owner: str,
        config_revision: int,
        model: str,
        lease_s: float = 30.0,
    ) -> Lease:
        """Take the lease, open the turn and store the person's message, in one transaction.

        Raises:
            SessionBusy: If a living owner holds the lease; an expired one is taken over with a higher epoch, and its
                turn is closed as failed, with results for its open calls that say what is known of them.
        """
        ...

    def renew(self, lease: Lease, *, lease_s: float = 30.0) -> Lease:
        """Hold on to a lease (SessionBusy where it was taken over)."""
        ...

    def append(
        self,
        lease: Lease,
        turn_id: str,
        messages: Sequence[Message],
        *,
        event: tuple[str, Mapping[str, Any]] | None = None,
    ) -> int:
        """Store messages, and an event of this kind and data with them; return the last `seq`. Clears the partial.

        Refused (SessionBusy) under a stale lease.
        """
        ...

    def record(
        self, lease: Lease, turn_id: str, kind: str, data: Mapping[str, Any], *, needs_you: bool | None = None
    ) -> int:
        """Store an event; return its id. `needs_you` marks the session with it."""
        ...

    def note(self, session_id: str, kind: str, data: Mapping[str, Any]) -> int:
        """Store an event that belongs to no turn (NotFound where there is no such session); return its id."""
        ...

    def leave(self, session_id: str, message: Message) -> int:
        """Leave a message for the process that runs the session's turn; return its id, 0 where no living one does."""
        ...

    def left(self, session_id: str, *, only: int = 0) -> Sequence[Message]:
        """Return the messages that nobody took yet, in order, or one of them by its id."""
        ...

    def take_left(self, session_id: str, *, only: int = 0) -> Sequence[Message]:
        """Take the messages that were left, or one of them by its id; each is given to one taker alone."""
        ...

    def save_partials(self, partials: Sequence[Partial]) -> Sequence[str]:
        """Keep the replies being streamed in any number of sessions, each replacing the one before.

        Returns the turns whose lease is stale: theirs is not kept, and does not keep the others from it. One whose
        session has another message by now is passed over, because that message holds its words.
        """
        ...

    def partial(self, session_id: str) -> Message | None:
        """Return the reply that was being streamed, where a turn runs or was left by a dead process."""
        ...

    def end_turn(
        self,
        lease: Lease,
        turn_id: str,
        state: TurnState,
        *,
        usage: Usage = Usage(),
        steps: int = 0,
        error: str = "",
        keep_partial: bool = False,
        models: Mapping[str, Usage] = {},
    ) -> None:
        """Close the turn and give back the lease. `keep_partial` stores the partial as an interrupted reply."""
        ...

    def turns(self, session_id: str) -> Sequence[Turn]:
        """Return a session's turns in order."""
        ...

    def events(self, session_id: str, *, after: int = 0, turn_id: str = "", kind: str = "") -> Sequence[StoredEvent]:
        """Return events in order, those with `event_id > after`, where given only those of a turn or a kind."""
        ...

    def lease(self, session_id: str) -> Lease | None:
        """Return the lease that is held now, living or expired."""
        ...

    def usage(self, *, session_id: str = "", config_id: str = "", since: datetime | None = None) -> Usage:
        """Sum what was used."""
        ...

    def usage_by_day(
        self, *, session_id: str = "", config_id: str = "", since: datetime | None = None
    ) -> Sequence[DayUsage]:
        """Sum what was used by the day (UTC), oldest first; days without a turn are absent."""
        ...

    def usage_by(
        self, what: UsageBy, *, session_id: str = "", config_id: str = "", since: datetime | None = None
    ) -> Sequence[UsedBy]:
        """Sum what was used by day, config, session or model, ordered by its key; what had no turn is absent.

        A turn counts for the model that it began with, the agents that worked for it included.
        """
        ...


class MemoryStore(Protocol):
    """JSON values that agents share. A `scope` keeps them apart: a workspace, a config, or empty for all."""

    def get(self, scope: str, key: str) -> Memory | None: ...

    def put(
        self, scope: str, key: str, value: Any, *, author: str = "", expected_revision: int | None = None
    ) -> Memory:
        """Store a value; `expected_revision` 0 means that there must be none yet.

        Raises:
            RevisionConflict: If `expected_revision` is not the current one.
        """
        ...

    def delete(self, scope: str, key: str) -> bool: ...

    def list_keys(self, scope: str, *, prefix: str = "", limit: int = 100) -> Sequence[Memory]:
        """Return the values whose key starts with the prefix, by key."""
        ...


class BoardStore(Protocol):
    """Messages that agents leave for each other."""

    def post(self, scope: str, body: str, *, topic: str = "", author: str = "") -> Post: ...

    def read(self, scope: str, *, topic: str = "", after: int = 0, limit: int = 100) -> Sequence[Post]:
        """Return posts in order, those with `post_id > after`; an empty topic is all of them."""
        ...


class SharedFileStore(Protocol):
    """Files that agents share. Paths are relative, with forward slashes, and never leave their scope."""

    def read(self, scope: str, path: str) -> bytes | None: ...

    def write(
        self, scope: str, path: str, content: bytes, *, author: str = "", expected_revision: int | None = None
    ) -> SharedFile:
        """Store a file whole; `expected_revision` 0 means that there must be none yet.

        Raises:
            RevisionConflict: If `expected_revision` is not the current one.
            UsageError: If the path is not a plain relative one, or the content is over the limit.
        """
        ...

    def delete(self, scope: str, path: str) -> bool: ...

    def list_files(self, scope: str, *, prefix: str = "", limit: int = 1000) -> Sequence[SharedFile]:
        """Return the files whose path starts with the prefix, by path."""
        ...


class GrantStore(Protocol):
    """Permission rules that a person saved for later."""

    def add(
        self,
        rule: str,
        decision: Literal["allow", "ask", "deny"],
        *,
        scope: Literal["session", "config", "user"] = "user",
        scope_id: str = "",
    ) -> Grant:
        """Save a rule; the same rule again is the same grant."""
        ...

    def list_grants(
        self, *, scope: Literal["session", "config", "user"] = "user", scope_id: str = ""
    ) -> Sequence[Grant]:
        """Return a scope's rules in the order they were saved."""
        ...

    def remove(self, grant_id: int) -> bool: ...


class TrustStore(Protocol):
    """Which texts from elsewhere a person trusts, by the digest of the text. What nobody noted is not known here."""

    def standing(self, digests: Iterable[str]) -> Mapping[str, Standing]:
        """Return what is known of some texts, by digest."""
        ...

    def trust(self, texts: Sequence[Standing]) -> None:
        """Trust some texts from now on, all or none."""
        ...

    def revoke(self, digests: Iterable[str]) -> int:
        """Trust some texts no longer; return how many were trusted."""
        ...

    def trusted_at(self, place: str) -> Standing | None:
        """Return the text of a place that was trusted last, or None."""
        ...


class Store(Protocol):
    """One database."""

    configs: ConfigStore
    sessions: SessionStore
    memory: MemoryStore
    board: BoardStore
    shared_files: SharedFileStore
    grants: GrantStore
    trust: TrustStore

    def data_version(self) -> int:
        """Return a number that changes when any other connection or process has written."""
        ...

    def check(self, *, integrity: bool = True) -> Mapping[str, Any]:
        """Return what `doctor` shows: path, size, SQLite version, journal mode, locking, schema, integrity.

        `integrity` reads the whole file; leave it out where it is asked often (`/health`).
        """
        ...

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a remembered JSON value (layout, last open things)."""
        ...

    def remember(self, key: str, value: Any) -> None:
        """Keep a JSON value."""
        ...

    def change_setting(self, key: str, change: Callable[[Any], Any]) -> None:
        """Replace a remembered value (None where there is none) by what a function makes of it, in one transaction."""
        ...

    def introduce(self, key: str, configs: Sequence[NewConfig]) -> int:
        """Store those configs whose names are not yet in the list remembered under a key; return how many.

        Their names join the list in the same transaction: all of it happens, or nothing. Of several processes that
        introduce a name, one does. The first config is the newest afterwards.
        """
        ...

    def backup(self, target: Path) -> Path:
        """Write a whole copy of the database to a file, while others go on writing."""
        ...

    def close(self) -> None: ...
