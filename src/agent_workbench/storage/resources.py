"""What agents share, in SQLite: memory, a message board, files; and the permissions that a person saved."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Any, Literal

from agent_workbench.conversation import codec
from agent_workbench.errors import RevisionConflict, UsageError
from agent_workbench.storage import rows
from agent_workbench.storage.connection import Database
from agent_workbench.storage.records import Grant, Memory, Post, SharedFile

MAX_FILE = 10 * 1024 * 1024
"""The most bytes of a shared file; they travel through the log of every writer's transaction."""


class SQLiteMemory:
    """The `MemoryStore` of one file."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, scope: str, key: str) -> Memory | None:
        """Return a value, or None."""
        with self._db.read() as connection:
            row = connection.execute("SELECT * FROM memory WHERE scope = ? AND key = ?", (scope, key)).fetchone()
            return _memory(row) if row else None

    def put(
        self, scope: str, key: str, value: Any, *, author: str = "", expected_revision: int | None = None
    ) -> Memory:
        """Store a value; `expected_revision` 0 means that there must be none yet.

        Raises:
            RevisionConflict: If `expected_revision` is not the current one.
        """
        with self._db.write() as connection:
            _check(
                connection, "SELECT revision FROM memory WHERE scope = ? AND key = ?", (scope, key), expected_revision
            )
            row = connection.execute(
                "INSERT INTO memory (scope, key, value, author, updated_at) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value, author = excluded.author, "
                "updated_at = excluded.updated_at, revision = revision + 1 RETURNING *",
                (scope, key, codec.dumps(value), author, rows.now()),
            ).fetchone()
            return _memory(row)

    def delete(self, scope: str, key: str) -> bool:
        """Forget a value. False where there was none."""
        with self._db.write() as connection:
            return connection.execute("DELETE FROM memory WHERE scope = ? AND key = ?", (scope, key)).rowcount > 0

    def list_keys(self, scope: str, *, prefix: str = "", limit: int = 100) -> Sequence[Memory]:
        """Return the values whose key starts with the prefix, by key."""
        sql = "SELECT * FROM memory WHERE scope = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key LIMIT ?3"
        with self._db.read() as connection:
            return [_memory(row) for row in connection.execute(sql, (scope, prefix, max(0, limit)))]


class SQLiteBoard:
    """The `BoardStore` of one file."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def post(self, scope: str, body: str, *, topic: str = "", author: str = "") -> Post:
        """Leave a message."""
        sql = "INSERT INTO board (scope, topic, author, body, created_at) VALUES (?, ?, ?, ?, ?) RETURNING *"
        with self._db.write() as connection:
            return _post(connection.execute(sql, (scope, topic, author, body, rows.now())).fetchone())

    def read(self, scope: str, *, topic: str = "", after: int = 0, limit: int = 100) -> Sequence[Post]:
        """Return posts in order, those with `post_id > after`; an empty topic is all of them."""
        sql = "SELECT * FROM board WHERE scope = ? AND ? IN ('', topic) AND post_id > ? ORDER BY post_id LIMIT ?"
        with self._db.read() as connection:
            return [_post(row) for row in connection.execute(sql, (scope, topic, after, max(0, limit)))]


class SQLiteSharedFiles:
    """The `SharedFileStore` of one file."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def read(self, scope: str, path: str) -> bytes | None:
        """Return a file's bytes, or None."""
        sql = "SELECT content FROM shared_files WHERE scope = ? AND path = ?"
        with self._db.read() as connection:
            row = connection.execute(sql, (scope, path)).fetchone()
            return bytes(row["content"]) if row else None

    def write(
        self, scope: str, path: str, content: bytes, *, author: str = "", expected_revision: int | None = None
    ) -> SharedFile:
        """Store a file whole; `expected_revision` 0 means that there must be none yet.

        Raises:
            RevisionConflict: If `expected_revision` is not the current one.
            UsageError: If the path is not a plain relative one, or the content is over the limit.
        """
        _check_path(path)
        if len(content) > MAX_FILE:
            raise UsageError(f"{path} has {len(content):,} bytes; a shared file has {MAX_FILE:,} at most.")
        digest = hashlib.sha256(content).hexdigest()
        current = "SELECT revision FROM shared_files WHERE scope = ? AND path = ?"
        with self._db.write() as connection:
            _check(connection, current, (scope, path), expected_revision)
            row = connection.execute(
                "INSERT INTO shared_files (scope, path, content, size, content_hash, author, updated_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, path) DO UPDATE SET content = excluded.content, "
                "size = excluded.size, content_hash = excluded.content_hash, author = excluded.author, "
                "updated_at = excluded.updated_at, revision = revision + 1 "
                "RETURNING scope, path, size, content_hash, revision, author, updated_at",
                (scope, path, content, len(content), digest, author, rows.now()),
            ).fetchone()
            return _file(row)

    def delete(self, scope: str, path: str) -> bool:
        """Remove a file. False where there was none."""
        with self._db.write() as connection:
            sql = "DELETE FROM shared_files WHERE scope = ? AND path = ?"
            return connection.execute(sql, (scope, path)).rowcount > 0

    def list_files(self, scope: str, *, prefix: str = "", limit: int = 1000) -> Sequence[SharedFile]:
        """Return the files whose path starts with the prefix, by path."""
        sql = (
            "SELECT scope, path, size, content_hash, revision, author, updated_at FROM shared_files "
            "WHERE scope = ?1 AND substr(path, 1, length(?2)) = ?2 ORDER BY path LIMIT ?3"
        )
        with self._db.read() as connection:
            return [_file(row) for row in connection.execute(sql, (scope, prefix, max(0, limit)))]


class SQLiteGrants:
    """The `GrantStore` of one file."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(
        self,
        rule: str,
        decision: Literal["allow", "ask", "deny"],
        *,
        scope: Literal["session", "config", "user"] = "user",
        scope_id: str = "",
    ) -> Grant:
        """Save a rule; the same rule again is the same grant."""
        sql = (
            "INSERT INTO permission_grants (scope, scope_id, rule, decision, created_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (scope, scope_id, rule, decision) DO UPDATE SET rule = excluded.rule RETURNING *"
        )
        with self._db.write() as connection:
            return _grant(connection.execute(sql, (scope, scope_id, rule, decision, rows.now())).fetchone())

    def list_grants(
        self, *, scope: Literal["session", "config", "user"] = "user", scope_id: str = ""
    ) -> Sequence[Grant]:
        """Return a scope's rules in the order they were saved."""
        sql = "SELECT * FROM permission_grants WHERE scope = ? AND scope_id = ? ORDER BY grant_id"
        with self._db.read() as connection:
            return [_grant(row) for row in connection.execute(sql, (scope, scope_id))]

    def remove(self, grant_id: int) -> bool:
        """Take a rule back. False where there was none."""
        with self._db.write() as connection:
            return connection.execute("DELETE FROM permission_grants WHERE grant_id = ?", (grant_id,)).rowcount > 0


def _check(connection: sqlite3.Connection, sql: str, key: tuple[str, str], expected: int | None) -> None:
    row = connection.execute(sql, key).fetchone()
    actual = int(row[0]) if row else 0
    if expected is not None and expected != actual:
        raise RevisionConflict(
            f"{key[1]} was changed in between: it has revision {actual}, you started from {expected}.",
            expected=expected,
            actual=actual,
        )


def _check_path(path: str) -> None:
    parts = path.split("/")
    if not path or "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise UsageError(f"{path!r} is not a plain relative path such as notes/plan.md.")


def _memory(row: sqlite3.Row) -> Memory:
    value, moment = codec.loads(row["value"]), rows.time_of(row["updated_at"])
    return Memory(row["scope"], row["key"], value, row["revision"], row["author"], moment)


def _post(row: sqlite3.Row) -> Post:
    moment = rows.time_of(row["created_at"])
    return Post(row["post_id"], row["scope"], row["topic"], row["author"], row["body"], moment)


def _file(row: sqlite3.Row) -> SharedFile:
    moment = rows.time_of(row["updated_at"])
    return SharedFile(
        row["scope"], row["path"], row["size"], row["content_hash"], row["revision"], row["author"], moment
    )


def _grant(row: sqlite3.Row) -> Grant:
    moment = rows.time_of(row["created_at"])
    return Grant(row["grant_id"], row["scope"], row["scope_id"], row["rule"], row["decision"], moment)
