"""What a failure of SQLite is called."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from agent_workbench.errors import StorageBusy, StorageError

_FAILURES = {
    "SQLITE_FULL": "The disk is full: {path} could not be written, and nothing of this change was saved.",
    "SQLITE_READONLY": "{path} is read-only: nothing of this change was saved.",
    "SQLITE_IOERR": "The disk failed while {path} was used: {error}",
    "SQLITE_CORRUPT": "{path} is damaged ({error}). Put a copy in its place, of `awb backup` or from before an upgrade "
    "({path}.v*.bak); `sqlite3 {path} .recover` saves what can still be read.",
    "SQLITE_NOTADB": "{path} is not a database.",
    "SQLITE_CANTOPEN": "{path} cannot be opened: {error}",
    "SQLITE_PERM": "{path} cannot be opened: {error}",
    "SQLITE_AUTH": "{path} cannot be opened: {error}",
    "SQLITE_PROTOCOL": "{path} could not be locked: {error}",
    "SQLITE_TOOBIG": "That is too big for the database: {error}",
}


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the lock."""
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _name(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", None) or "")


def failure(error: sqlite3.Error, path: Path) -> StorageError | None:
    """Return what an error of SQLite means for a person, None where it can only be a bug of ours."""
    if is_busy(error):
        return StorageBusy(f"Another process kept {path} locked too long: {error}")
    for name, text in _FAILURES.items():
        if _name(error).startswith(name):
            return StorageError(text.format(path=path, error=error))
    return None
