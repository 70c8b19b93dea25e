"""Every failure the workbench expects, as one tree.

    WorkbenchError
    ├── ConfigError                 the text of a config cannot be used
    │   ├── InvalidYAML             not the YAML we accept (carries problems)
    │   ├── InvalidBundle           YAML, but not a bundle that can run (carries problems)
    │   ├── IncludeFailed           an include or another file of a bundle could not be fetched
    │   └── EditRefused             an edit could not be made without touching other bytes
    ├── NotFound                    no such config, session, revision, module or template
    ├── Ambiguous                   a name fits more than one thing
    ├── Conflict                    somebody else was faster
    │   ├── RevisionConflict        a config was saved in between
    │   ├── InUse                   a config has sessions
    │   └── SessionBusy             a turn is running in the session, here or elsewhere
    ├── CannotWrite                 a file cannot be written
    ├── StorageError                the database cannot do what is asked
    │   ├── SchemaTooNew            written by a newer version of the program
    │   └── StorageBusy             another process held the lock too long
    ├── ProviderError               a model provider failed (see `kind`)
    ├── LimitReached                a turn used up its steps, tokens, cost or time
    ├── PermissionRuleError         a permission rule that does not parse
    └── UsageError                  the caller asked for something that makes no sense

Each has a `title` for people; `str(error)` says what, where and how to fix it.
Anything else that escapes is a bug and crashes loudly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from agent_workbench.configs.problems import Problem
    from agent_workbench.conversation.usage import Usage


class WorkbenchError(Exception):
    """The base of every expected failure."""

    title = "Something went wrong"


class ConfigError(WorkbenchError):
    """The text of a config cannot be used. `problems` names the places, worst first."""

    title = "The config has a problem"

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class InvalidYAML(ConfigError):
    """Not the YAML we accept."""

    title = "Not valid YAML"


class InvalidBundle(ConfigError):
    """Valid YAML that cannot run as a bundle."""

    title = "The config cannot run"


class IncludeFailed(ConfigError):
    """An include or another file of a bundle could not be fetched."""

    title = "Could not be fetched"


class EditRefused(ConfigError):
    """The edit could not be made without touching other bytes; the document is unchanged."""

    title = "The edit was refused"


class NotFound(WorkbenchError):
    """There is no such thing."""

    title = "Not found"


class Ambiguous(WorkbenchError):
    """The name fits more than one thing."""

    title = "More than one fits"


class Conflict(WorkbenchError):
    """Somebody else was faster."""

    title = "Conflict"


class RevisionConflict(Conflict):
    """A config was saved by somebody else since it was read."""

    title = "Saved by somebody else in between"

    def __init__(self, message: str, *, expected: int, actual: int) -> None:
        super().__init__(message)
        self.expected = expected
        self.actual = actual


class InUse(Conflict):
    """A config cannot be deleted while sessions use it."""

    title = "Still in use"


class SessionBusy(Conflict):
    """A turn is running in the session, in this process or another."""

    title = "The session is busy"


class CannotWrite(WorkbenchError):
    """A file cannot be written."""

    title = "Not written"


class StorageError(WorkbenchError):
    """The database cannot do what is asked."""

    title = "The database failed"


class SchemaTooNew(StorageError):
    """The file was written by a newer version of the program."""

    title = "The database is from a newer version"


class StorageBusy(StorageError):
    """Another process held the lock longer than we wait."""

    title = "The database is busy"


ProviderFault = Literal[
    "auth", "quota", "rate_limit", "model", "invalid_request", "context_exceeded", "server", "connection",
    "timeout", "interrupted", "protocol", "setup",
]  # fmt: skip


class ProviderError(WorkbenchError):
    """A model provider failed.

    `kind` names the fault; `retryable` says whether the same request may succeed
    later; `retry_after` is in seconds where the provider said so; `request_id`
    is the provider's own, for its support. `usage` is what the failed request had
    used as far as that was said; `config_path` names the value to look at, as a
    plan's origins spell it, where one can help.
    """

    title = "The model provider failed"

    def __init__(
        self,
        message: str,
        *,
        kind: ProviderFault,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        request_id: str | None = None,
        usage: Usage | None = None,
        config_path: str = "",
    ) -> None:
        super().__init__(message)
        self.kind: ProviderFault = kind
        self.retryable = retryable
        self.retry_after = retry_after
        self.status = status
        self.request_id = request_id
        self.usage = usage
        self.config_path = config_path


class LimitReached(WorkbenchError):
    """A turn used up its steps, tokens, cost or time."""

    title = "A limit was reached"


class PermissionRuleError(WorkbenchError):
    """A permission rule that does not parse."""

    title = "Not a permission rule"


class UsageError(WorkbenchError):
    """The caller asked for something that makes no sense."""

    title = "That cannot be asked"
