"""Configs and their revisions in SQLite."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from agent_workbench.conversation.codec import clean_text
from agent_workbench.errors import InUse, NotFound, RevisionConflict
from agent_workbench.storage import rows, search
from agent_workbench.storage.connection import Database
from agent_workbench.storage.records import Config, ConfigMetadata, Page, Revision

_USED = "(SELECT count(*) FROM sessions WHERE sessions.config_id = configs.config_id) AS sessions"
_LISTED = (
    "configs.config_id, name, description, created_at, updated_at, tags, revision, content_hash, size, number, " + _USED
)
SORTS = {"updated": "updated_at", "created": "created_at", "name": "name COLLATE NOCASE"}
"""The names that a list can be sorted by."""


class SQLiteConfigs:
    """The `ConfigStore` of one file."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(
        self,
        name: str,
        yaml_content: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        author: str = "",
        note: str = "",
    ) -> Config:
        """Store a new config as revision 1."""
        config_id, moment = str(uuid.uuid4()), rows.now()
        text = clean_text(yaml_content)
        values = (
            config_id, name, description, text, moment, moment, rows.tags_json(tags),
            rows.content_hash(text), len(text),
        )  # fmt: skip
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO configs (config_id, name, description, yaml_content, created_at, updated_at, tags, "
                "content_hash, size, number) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM configs))",
                values,
            )
            _keep_revision(connection, config_id, author, note)
            return _require(connection, config_id)

    def get(self, config_id: str) -> Config | None:
        """Return a config with its text, or None."""
        with self._db.read() as connection:
            return _get(connection, config_id)

    def find(self, name: str) -> Sequence[ConfigMetadata]:
        """Return the configs of exactly this name, newest first."""
        sql = f"SELECT {_LISTED} FROM configs WHERE name = ? ORDER BY created_at DESC, number DESC"
        with self._db.read() as connection:
            return [rows.config_metadata(row) for row in connection.execute(sql, (name,))]

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
    ) -> Config:
        """Change the given fields; a changed text is a new revision, an equal one is not.

        Raises:
            NotFound: If there is no such config.
            RevisionConflict: If `expected_revision` is not the current one.
        """
        with self._db.write() as connection:
            current = _require(connection, config_id)
            _check_revision(current, expected_revision)
            changes: dict[str, Any] = {}
            if name is not None:
                changes["name"] = name
            if description is not None:
                changes["description"] = description
            if tags is not None:
                changes["tags"] = rows.tags_json(tags)
            text = None if yaml_content is None else clean_text(yaml_content)
            if text is not None and text != current.yaml_content:
                changes |= {"yaml_content": text, "content_hash": rows.content_hash(text), "size": len(text)}
                changes["revision"] = current.revision + 1
            if not changes:
                return current
            changes["updated_at"] = rows.now()
            columns = ", ".join(f"{column} = ?" for column in changes)
            connection.execute(f"UPDATE configs SET {columns} WHERE config_id = ?", (*changes.values(), config_id))
            if "revision" in changes:
                _keep_revision(connection, config_id, author, note)
            return _require(connection, config_id)

    def delete(self, config_id: str, *, force: bool = False) -> bool:
        """Delete a config and its revisions; with `force` its sessions too. False where there was none.

        Raises:
            InUse: If sessions use it and `force` is not set.
        """
        with self._db.write() as connection:
            used = connection.execute("SELECT count(*) FROM sessions WHERE config_id = ?", (config_id,)).fetchone()[0]
            if used and not force:
                raise InUse(f"{used} session{'s use' if used > 1 else ' uses'} the config {config_id}.")
            connection.execute("DELETE FROM sessions WHERE config_id = ?", (config_id,))
            return connection.execute("DELETE FROM configs WHERE config_id = ?", (config_id,)).rowcount > 0

    def list_configs(self, page: Page = Page(), *, q: str = "", tag: str = "") -> tuple[Sequence[ConfigMetadata], int]:
        """Return a page and the total.

        `q` searches names, descriptions and texts for all its words; `tag` is `key` or `key=value`.
        `page.sort` is `updated`, `created` or `name`.

        Raises:
            UsageError: If the list cannot be sorted so.
        """
        order = rows.page_clause(page, SORTS, "number")
        where, values = _where(search.parse(q), tag)
        with self._db.read() as connection:
            total = connection.execute(f"SELECT count(*) FROM configs{where}", values).fetchone()[0]
            found = connection.execute(f"SELECT {_LISTED} FROM configs{where}{order}", values)
            return [rows.config_metadata(row) for row in found], total

    def revisions(self, config_id: str, *, limit: int = 100, offset: int = 0) -> Sequence[Revision]:
        """Return the saved texts, newest first."""
        sql = "SELECT * FROM config_revisions WHERE config_id = ? ORDER BY revision DESC LIMIT ? OFFSET ?"
        with self._db.read() as connection:
            found = connection.execute(sql, (config_id, max(0, limit), max(0, offset)))
            return [rows.revision(row) for row in found]

    def revision(self, config_id: str, number: int) -> Revision | None:
        """Return one saved text, or None."""
        sql = "SELECT * FROM config_revisions WHERE config_id = ? AND revision = ?"
        with self._db.read() as connection:
            row = connection.execute(sql, (config_id, number)).fetchone()
            return rows.revision(row) if row else None

    def prune(self, config_id: str, *, keep: int) -> int:
        """Delete all but the newest `keep` revisions (and those that sessions are pinned to); return how many.

        The current text always stays.
        """
        sql = """DELETE FROM config_revisions WHERE config_id = :id
            AND revision <= (SELECT revision FROM configs WHERE config_id = :id) - :keep
            AND revision NOT IN (SELECT pinned_revision FROM sessions
                                 WHERE config_id = :id AND pinned_revision IS NOT NULL)"""
        with self._db.write() as connection:
            return connection.execute(sql, {"id": config_id, "keep": max(1, keep)}).rowcount


def _get(connection: sqlite3.Connection, config_id: str) -> Config | None:
    sql = f"SELECT {_LISTED}, yaml_content FROM configs WHERE config_id = ?"
    row = connection.execute(sql, (config_id,)).fetchone()
    return rows.config(row) if row else None


def _require(connection: sqlite3.Connection, config_id: str) -> Config:
    found = _get(connection, config_id)
    if found is None:
        raise NotFound(f"There is no config {config_id}.")
    return found


def _check_revision(current: Config, expected: int | None) -> None:
    if expected is not None and expected != current.revision:
        raise RevisionConflict(
            f"{current.name} was saved in between: it has revision {current.revision}, you started from {expected}.",
            expected=expected,
            actual=current.revision,
        )


def _keep_revision(connection: sqlite3.Connection, config_id: str, author: str, note: str) -> None:
    connection.execute(
        "INSERT INTO config_revisions (config_id, revision, yaml_content, content_hash, created_at, author, note) "
        "SELECT config_id, revision, yaml_content, content_hash, updated_at, ?, ? FROM configs WHERE config_id = ?",
        (author, note, config_id),
    )


def _where(query: search.Query, tag: str) -> tuple[str, list[Any]]:
    """Return the filter; the plus sign keeps SQLite walking the sort index rather than sorting all that match."""
    terms: list[str] = []
    values: list[Any] = []
    if query.match:
        terms.append("+number IN (SELECT rowid FROM configs_fts WHERE configs_fts MATCH ?)")
        values.append(query.match)
    for pattern in query.short:
        terms.append("(name LIKE ? ESCAPE '~' OR description LIKE ? ESCAPE '~' OR yaml_content LIKE ? ESCAPE '~')")
        values += [pattern] * 3
    if tag:
        key, separator, value = tag.partition("=")
        condition, wanted = ("key = ? AND value = ?", [key, value]) if separator else ("key = ?", [key])
        terms.append(f"configs.config_id IN (SELECT config_id FROM config_tags WHERE {condition})")
        values += wanted
    return (" WHERE " + " AND ".join(terms) if terms else ""), values
