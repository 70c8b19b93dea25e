"""Sessions and their messages in SQLite."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent_workbench.conversation import codec
from agent_workbench.conversation.messages import Message
from agent_workbench.errors import NotFound
from agent_workbench.storage import rows, search
from agent_workbench.storage.records import Hit, Page, Said, Session, SessionStatus, StoredMessage
from agent_workbench.storage.turns import SQLiteTurns, add_messages

_LISTED = (
    "SELECT sessions.*, configs.name AS config_name, "
    "CASE WHEN leases.turn_id IS NULL THEN NULL ELSE leases.expires_at END AS expires_at "
    "FROM sessions JOIN configs USING (config_id) LEFT JOIN leases USING (session_id)"
)
SORTS = {
    "updated": "sessions.updated_at",
    "created": "sessions.created_at",
    "title": "sessions.title COLLATE NOCASE",
    "messages": "sessions.message_count",
}
"""The names that a list can be sorted by."""
LONGEST_SAID = 100_000
"""Characters of a stored message from which it is no prompt that somebody looks for: pictures are megabytes."""


class SQLiteSessions(SQLiteTurns):
    """The `SessionStore` of one file; what runs turns is in `SQLiteTurns`."""

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
            NotFound: If there is no such config, revision or parent session.
        """
        session_id, moment = str(uuid.uuid4()), rows.now()
        with self._db.write() as connection:
            if connection.execute("SELECT 1 FROM configs WHERE config_id = ?", (config_id,)).fetchone() is None:
                raise NotFound(f"there is no config {config_id}")
            if parent_session_id is not None:
                _require(connection, parent_session_id)
            _require_revision(connection, config_id, pinned_revision)
            connection.execute(
                "INSERT INTO sessions (session_id, config_id, status, created_at, updated_at, title, user_id, "
                "workspace, parent_session_id, pinned_revision, tags, settings) "
                "VALUES (?, ?, 'active', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    session_id, config_id, moment, moment, title, user_id, workspace, parent_session_id,
                    pinned_revision, rows.tags_json(tags), codec.dumps(settings or {}),
                ),
            )  # fmt: skip
            if messages:
                add_messages(connection, session_id, "", messages, moment)
            return _require(connection, session_id)

    def get(self, session_id: str) -> Session | None:
        """Return a session, or None."""
        with self._db.read() as connection:
            return _get(connection, session_id)

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
        """Change the given fields. A draft or a waiting question does not count as an update in time.

        Raises:
            NotFound: If there is no such session, or its config has no such revision.
        """
        given = {
            "title": title, "status": status, "draft": draft, "pinned_revision": pinned_revision,
            "tags": None if tags is None else rows.tags_json(tags),
            "needs_you": None if needs_you is None else int(needs_you),
        }  # fmt: skip
        changes: dict[str, Any] = {column: value for column, value in given.items() if value is not None}
        if unpin:
            changes["pinned_revision"] = None
        if set(changes) - {"draft", "needs_you"}:
            changes["updated_at"] = rows.now()
        with self._db.write() as connection:
            current = _require(connection, session_id)
            _require_revision(connection, current.config_id, changes.get("pinned_revision"))
            if changes:
                columns = ", ".join(f"{column} = ?" for column in changes)
                connection.execute(
                    f"UPDATE sessions SET {columns} WHERE session_id = ?", (*changes.values(), session_id)
                )
            return _require(connection, session_id)

    def change_settings(
        self, session_id: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> tuple[Session, Session]:
        """Replace a session's settings by what a function makes of them, so that no other change is lost.

        The function is called in the transaction and must be quick. Returns the session before and after.

        Raises:
            NotFound: If there is no such session.
        """
        with self._db.write() as connection:
            before = _require(connection, session_id)
            settings = change(before.settings)
            if settings == before.settings:
                return before, before
            sql = "UPDATE sessions SET settings = ?, updated_at = ? WHERE session_id = ?"
            connection.execute(sql, (codec.dumps(settings), rows.now(), session_id))
            return before, _require(connection, session_id)

    def delete(self, session_id: str) -> bool:
        """Delete a session with everything in it. False where there was none; a running turn finds its lease gone."""
        with self._db.write() as connection:
            return connection.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,)).rowcount > 0

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

        `workspace` puts that folder's sessions first. `q` searches titles and messages for all its words.
        `page.sort` is `updated`, `created`, `title` or `messages`.

        Raises:
            UsageError: If the list cannot be sorted so.
        """
        rows.page_clause(page, SORTS, "sessions.session_id")
        terms, values = _filter(config_id, status, search.parse(q), parent_session_id)
        with self._db.read() as connection:
            if not workspace:
                return _page(connection, page, terms, values)
            # Two lists, one behind the other, each along its own index: sorting by "is it here" would sort them all.
            here, n_here = _page(connection, page, [*terms, "sessions.workspace = ?"], [*values, workspace])
            rest = replace(page, limit=page.limit - len(here), offset=max(0, page.offset - n_here))
            elsewhere, n_elsewhere = _page(connection, rest, [*terms, "sessions.workspace <> ?"], [*values, workspace])
            return [*here, *elsewhere], n_here + n_elsewhere

    def messages(self, session_id: str, *, after: int = 0, limit: int | None = None) -> Sequence[StoredMessage]:
        """Return messages in order, those with `seq > after`."""
        sql = "SELECT * FROM messages WHERE session_id = ? AND seq > ? ORDER BY seq LIMIT ?"
        with self._db.read() as connection:
            found = connection.execute(sql, (session_id, after, -1 if limit is None else max(0, limit)))
            return [rows.stored_message(row) for row in found]

    def transcript(self, session_id: str) -> list[dict[str, Any]]:
        """Return the JSON array of the `transcripts` view; empty where there is no such session."""
        sql = "SELECT transcript FROM transcripts WHERE session_id = ?"
        with self._db.read() as connection:
            row = connection.execute(sql, (session_id,)).fetchone()
        found = codec.loads(row["transcript"], []) if row else []
        return found if isinstance(found, list) else []

    def search(self, q: str, *, limit: int = 50) -> Sequence[StoredMessage]:
        """Return messages that hold all the words, newest first."""
        query = search.parse(q)
        if query.is_empty:
            return []
        inner, values = _matching(query, max(0, min(limit, rows.MAX_PAGE)))
        with self._db.read() as connection:
            found = connection.execute(f"SELECT * FROM messages WHERE id IN ({inner}) ORDER BY id DESC", values)
            return [rows.stored_message(row) for row in found]

    def hits(self, q: str, session_ids: Sequence[str]) -> Mapping[str, Hit]:
        """Return for each of these sessions its newest message that holds all the words, where one does."""
        query = search.parse(q)
        if query.is_empty or not session_ids:
            return {}
        inner, values = _matching(query, search.NEWEST)
        newest = f"SELECT max(id) AS id FROM messages WHERE id IN ({inner}) GROUP BY session_id"
        sql = (
            f"SELECT session_id, seq, words FROM ({newest}) JOIN messages USING (id) JOIN message_words USING (id) "
            "WHERE session_id IN (SELECT value FROM json_each(?))"
        )
        with self._db.read() as connection:
            found = connection.execute(sql, (*values, codec.dumps(list(session_ids))))
            return {id: Hit(id, seq, search.excerpt(words, query)) for id, seq, words in found}

    def said(self, *, limit: int = 300) -> Sequence[Said]:
        """Return what people said, newest first (see `SessionStore`); looks through the newest messages alone."""
        sql = (
            "SELECT newest.*, title FROM (SELECT * FROM messages ORDER BY id DESC LIMIT ?) AS newest "
            "JOIN sessions USING (session_id) WHERE role = 'user' AND length(parts) < ? "
            "AND json_extract(settings, '$.agent') IS NULL ORDER BY newest.id DESC LIMIT ?"
        )
        with self._db.read() as connection:
            found = connection.execute(sql, (search.NEWEST, LONGEST_SAID, max(0, min(limit, rows.MAX_PAGE))))
            return [Said(row["session_id"], row["title"], rows.stored_message(row).message) for row in found]


def _get(connection: sqlite3.Connection, session_id: str) -> Session | None:
    row = connection.execute(f"{_LISTED} WHERE sessions.session_id = ?", (session_id,)).fetchone()
    return rows.session(row) if row else None


def _require(connection: sqlite3.Connection, session_id: str) -> Session:
    found = _get(connection, session_id)
    if found is None:
        raise NotFound(f"there is no session {session_id}")
    return found


def _require_revision(connection: sqlite3.Connection, config_id: str, revision: int | None) -> None:
    if revision is None:
        return
    sql = "SELECT 1 FROM config_revisions WHERE config_id = ? AND revision = ?"
    if connection.execute(sql, (config_id, revision)).fetchone() is None:
        raise NotFound(f"config {config_id} has no revision {revision}")


def _page(
    connection: sqlite3.Connection, page: Page, terms: Sequence[str], values: Sequence[Any]
) -> tuple[list[Session], int]:
    where = " WHERE " + " AND ".join(terms) if terms else ""
    total = connection.execute(f"SELECT count(*) FROM sessions{where}", values).fetchone()[0]
    if not total or not page.limit:
        return [], total
    order = rows.page_clause(page, SORTS, "sessions.session_id")
    return [rows.session(row) for row in connection.execute(f"{_LISTED}{where}{order}", values)], total


def _filter(
    config_id: str, status: str, query: search.Query, parent_session_id: str | None
) -> tuple[list[str], list[Any]]:
    terms: list[str] = []
    values: list[Any] = []
    for column, value in (
        ("config_id", config_id or None), ("status", status or None), ("parent_session_id", parent_session_id)
    ):  # fmt: skip
        if value is not None:
            terms.append(f"sessions.{column} = ?")
            values.append(value)
    if not query.is_empty:
        inner, found = _matching(query, search.NEWEST)
        titles = " AND ".join(["title LIKE ? ESCAPE '~'"] * len(query.words))
        terms.append(
            f"sessions.session_id IN (SELECT session_id FROM messages WHERE id IN ({inner}) "
            f"UNION SELECT session_id FROM sessions WHERE {titles})"
        )
        values += [*found, *(search.like(word) for word in query.words)]
    return terms, values


def _matching(query: search.Query, limit: int) -> tuple[str, list[Any]]:
    """Return a query for the ids of the newest messages that match."""
    values: list[Any] = []
    if query.match:
        sql = "SELECT rowid FROM messages_fts WHERE messages_fts MATCH ?"
        values.append(query.match)
        for pattern in query.short:
            sql += " AND (SELECT words FROM message_words WHERE id = messages_fts.rowid) LIKE ? ESCAPE '~'"
            values.append(pattern)
        sql += " ORDER BY rowid DESC"
    else:
        newest = f"(SELECT max(id) FROM messages) - {search.NEWEST}"
        conditions = " AND ".join(["words LIKE ? ESCAPE '~'"] * len(query.short))
        sql = f"SELECT id FROM message_words WHERE id > {newest} AND {conditions} ORDER BY id DESC"
        values += query.short
    return f"{sql} LIMIT {int(limit)}", values
