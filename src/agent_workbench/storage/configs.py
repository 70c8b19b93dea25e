"""Configs and their revisions in SQLite."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent_workbench.conversation.codec import clean_text
from agent_workbench.errors import InUse, NotFound, RevisionConflict
from agent_workbench.storage import rows, search, trust
from agent_workbench.storage.connection import Database
from agent_workbench.storage.records import Config, ConfigMetadata, NewConfig, Page, Revision

_USED = "(SELECT count(*) FROM sessions WHERE sessions.config_id = configs.config_id) AS sessions"
_LISTED = (
    "configs.config_id, name, description, created_at, updated_at, tags, revision, content_hash, size, number, "
    "EXISTS (SELECT 1 FROM trust WHERE digest = content_hash AND state = 'outside') AS outside, " + _USED
)
SORTS = {"updated": "updated_at", "created": "created_at", "name": "name COLLATE NOCASE"}
"""The names that a list can be sorted by."""
WALK_ABOVE = 2000
"""From how many matches on it is faster to go along the list's index than to sort what matches."""


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
        outside: str = "",
        over: str = "",
    ) -> Config:
        """Store a new config as revision 1; a text that came from `outside` is noted as such.

        One that was written `over` another, known by its hash, is as much trusted as that.
        """
        new = NewConfig(name, yaml_content, description, tags or {}, author, note)
        digest = rows.content_hash(clean_text(yaml_content))
        with self._db.write() as connection:
            if outside:
                trust.came(connection, digest, outside)
            elif over:
                trust.follow(connection, over, digest)
            return _require(connection, insert(connection, new))

    def get(self, config_id: str) -> Config | None:
        """Return a config with its text, or None."""
        with self._db.read() as connection:
            return _get(connection, config_id)

    def find(self, name: str) -> Sequence[ConfigMetadata]:
        """Return the configs of exactly this name, newest first."""
        sql = f"SELECT {_LISTED} FROM configs WHERE name = ? ORDER BY created_at DESC, number DESC"
        with self._db.read() as connection:
            return [rows.config_metadata(row) for row in connection.execute(sql, (name,))]

    def names(self) -> Sequence[str]:
        """Return the names of all configs, each once."""
        with self._db.read() as connection:
            return [row[0] for row in connection.execute("SELECT DISTINCT name FROM configs ORDER BY name")]

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

        It is as much trusted as the text before it, unless it came from `outside`.

        Raises:
            NotFound: If there is no such config.
            RevisionConflict: If `expected_revision` is not the current one.
        """
        with self._db.write() as connection:
            current = _require(connection, config_id)
            _check_revision(current, expected_revision)
            given = {"name": name, "description": description, "tags": None if tags is None else rows.tags_json(tags)}
            changes: dict[str, Any] = {column: value for column, value in given.items() if value is not None}
            if yaml_content is not None:
                changes |= _new_text(connection, current, clean_text(yaml_content), outside)
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
        filters = _filters(search.parse(q), tag)
        with self._db.read() as connection:
            total = _count(connection, filters)
            if not total or not page.limit:
                return [], total
            forms = _forms(connection, filters, total)
            where = _where(form for form, _ in forms)
            values = [value for _, needed in forms for value in needed]
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
        raise NotFound(f"there is no config {config_id}")
    return found


def _new_text(connection: sqlite3.Connection, current: Config, text: str, outside: str) -> dict[str, Any]:
    """Return what changes with a text, nothing where it is the same, and note how much it is trusted."""
    if text == current.yaml_content:
        return {}
    digest = rows.content_hash(text)
    if outside:
        trust.came(connection, digest, outside)
    else:
        trust.follow(connection, current.content_hash, digest)
    return {"yaml_content": text, "content_hash": digest, "size": len(text), "revision": current.revision + 1}


def _check_revision(current: Config, expected: int | None) -> None:
    if expected is not None and expected != current.revision:
        raise RevisionConflict(
            f"{current.name} was saved in between: it has revision {current.revision}, you started from {expected}.",
            expected=expected,
            actual=current.revision,
        )


def insert(connection: sqlite3.Connection, new: NewConfig) -> str:
    """Add a config as revision 1 within a transaction; return its id."""
    config_id, moment = str(uuid.uuid4()), rows.now()
    text = clean_text(new.yaml_content)
    values = (
        config_id, new.name, new.description, text, moment, moment, rows.tags_json(new.tags),
        rows.content_hash(text), len(text),
    )  # fmt: skip
    connection.execute(
        "INSERT INTO configs (config_id, name, description, yaml_content, created_at, updated_at, tags, "
        "content_hash, size, number) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM configs))",
        values,
    )
    _keep_revision(connection, config_id, new.author, new.note)
    return config_id


def _keep_revision(connection: sqlite3.Connection, config_id: str, author: str, note: str) -> None:
    connection.execute(
        "INSERT INTO config_revisions (config_id, revision, yaml_content, content_hash, created_at, author, note) "
        "SELECT config_id, revision, yaml_content, content_hash, updated_at, ?, ? FROM configs WHERE config_id = ?",
        (author, note, config_id),
    )


@dataclass(frozen=True, slots=True)
class _Filter:
    """One condition in three forms, since SQLite's planner cannot know how many rows match a full-text query.

    `finding` starts from what matches and sorts it; `walking` goes along the sort index and looks each row up among
    what matches; `probing` asks anew for each row on the way, which is best where nearly all match (and takes
    `probe_values` where those are others). `keys` selects what matches, where that can be counted alone.
    """

    finding: str
    walking: str
    probing: str
    values: tuple[str, ...]
    keys: str = ""
    probe_values: tuple[str, ...] = ()


_LIKE = "(name LIKE ? ESCAPE '~' OR description LIKE ? ESCAPE '~' OR yaml_content LIKE ? ESCAPE '~')"


def _filters(query: search.Query, tag: str) -> list[_Filter]:
    found: list[_Filter] = []
    if query.match:
        keys = "SELECT rowid FROM configs_fts WHERE configs_fts MATCH ?"
        probing = f"EXISTS ({keys} AND rowid = +configs.number)"
        values: tuple[str, ...] = (query.match,)
        long = [search.like(word) for word in query.words if len(word) >= 3]
        if all(word.isascii() for word in long):  # reading 50 texts takes 1 ms, asking the index 50 times takes 20
            probing, values = " AND ".join([_LIKE] * len(long)), tuple(word for word in long for _ in range(3))
        finding, walking = f"number IN ({keys})", f"+number IN ({keys})"
        found.append(_Filter(finding, walking, probing, (query.match,), keys, values))
    for pattern in query.short:
        found.append(_Filter(_LIKE, _LIKE, _LIKE, (pattern,) * 3))
    if tag:
        key, separator, value = tag.partition("=")
        keys = f"SELECT config_id FROM config_tags WHERE key = ?{' AND value = ?' if separator else ''}"
        probing = f"EXISTS ({keys} AND config_tags.config_id = configs.config_id)"
        tagged = (key, value) if separator else (key,)
        found.append(_Filter(f"configs.config_id IN ({keys})", probing, probing, tagged, keys))
    return found


def _forms(connection: sqlite3.Connection, filters: Sequence[_Filter], total: int) -> list[tuple[str, tuple[str, ...]]]:
    """Return for each filter the form that is fastest for so many matches, with its values."""
    if total <= WALK_ABOVE:
        return [(one.finding, one.values) for one in filters]
    everything = connection.execute("SELECT max(number) FROM configs").fetchone()[0]
    if total <= everything / 2:
        return [(one.walking, one.values) for one in filters]
    return [(one.probing, one.probe_values or one.values) for one in filters]


def _count(connection: sqlite3.Connection, filters: Sequence[_Filter]) -> int:
    """Count along the smallest thing that knows: one filter's own keys, else the table."""
    values = [value for one in filters for value in one.values]
    if len(filters) == 1 and filters[0].keys:
        sql = f"SELECT count(*) FROM ({filters[0].keys})"
    else:
        sql = f"SELECT count(*) FROM configs{_where(one.finding for one in filters)}"
    return int(connection.execute(sql, values).fetchone()[0])


def _where(terms: Iterable[str]) -> str:
    joined = " AND ".join(terms)
    return f" WHERE {joined}" if joined else ""
