"""The tables, as an append-only list of migrations.

A migration is never edited once released: a later one changes what it made. All that are pending run in one
transaction, after a copy of a non-empty file was put beside it, so that an upgrade happens wholly or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent_workbench.errors import SchemaTooNew, StorageError
from agent_workbench.storage.connection import Database

MIGRATION_SET = "agent_workbench"

CONFIGS = (
    """CREATE TABLE configs (
        config_id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL,
        description TEXT,
        yaml_content TEXT NOT NULL,
        created_at TIMESTAMP NOT NULL,
        updated_at TIMESTAMP NOT NULL,
        tags TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(tags)),
        revision INTEGER NOT NULL DEFAULT 1,
        content_hash TEXT NOT NULL,
        size INTEGER NOT NULL,
        number INTEGER NOT NULL UNIQUE  -- what the full-text index calls it; rowids change in a VACUUM, this does not
    )""",
    "CREATE INDEX configs_by_updated ON configs (updated_at, number)",
    "CREATE INDEX configs_by_created ON configs (created_at, number)",
    "CREATE INDEX configs_by_name ON configs (name COLLATE NOCASE, number)",
    "CREATE INDEX configs_by_exact_name ON configs (name, created_at)",
    """CREATE TABLE config_revisions (
        config_id TEXT NOT NULL REFERENCES configs (config_id) ON DELETE CASCADE,
        revision INTEGER NOT NULL,
        yaml_content TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        created_at TIMESTAMP NOT NULL,
        author TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (config_id, revision)
    )""",
    """CREATE TABLE config_tags (
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        config_id TEXT NOT NULL REFERENCES configs (config_id) ON DELETE CASCADE,
        PRIMARY KEY (key, value, config_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX config_tags_by_config ON config_tags (config_id)",
    """CREATE TRIGGER config_tags_added AFTER INSERT ON configs BEGIN
        INSERT INTO config_tags (key, value, config_id) SELECT key, value, NEW.config_id FROM json_each(NEW.tags);
    END""",
    """CREATE TRIGGER config_tags_changed AFTER UPDATE OF tags ON configs BEGIN
        DELETE FROM config_tags WHERE config_id = NEW.config_id;
        INSERT INTO config_tags (key, value, config_id) SELECT key, value, NEW.config_id FROM json_each(NEW.tags);
    END""",
)

SESSIONS = (
    """CREATE TABLE sessions (
        session_id TEXT PRIMARY KEY NOT NULL,
        config_id TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('active', 'completed', 'failed', 'cancelled')),
        created_at TIMESTAMP NOT NULL,
        updated_at TIMESTAMP NOT NULL,
        message_count INTEGER NOT NULL DEFAULT 0,
        title TEXT NOT NULL DEFAULT '',
        user_id TEXT NOT NULL DEFAULT '',
        workspace TEXT NOT NULL DEFAULT '',
        parent_session_id TEXT REFERENCES sessions (session_id) ON DELETE SET NULL,
        pinned_revision INTEGER,
        draft TEXT NOT NULL DEFAULT '',
        tags TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(tags)),
        settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
        needs_you INTEGER NOT NULL DEFAULT 0,
        cost TEXT,  -- decimal US dollars of all turns; NULL is unknown
        FOREIGN KEY (config_id) REFERENCES configs (config_id),
        FOREIGN KEY (config_id, pinned_revision) REFERENCES config_revisions (config_id, revision)
    )""",
    "CREATE INDEX sessions_by_updated ON sessions (updated_at)",
    "CREATE INDEX sessions_by_created ON sessions (created_at)",
    "CREATE INDEX sessions_by_title ON sessions (title COLLATE NOCASE)",
    "CREATE INDEX sessions_by_config ON sessions (config_id, updated_at)",
    "CREATE INDEX sessions_by_workspace ON sessions (workspace, updated_at)",
    "CREATE INDEX sessions_by_status ON sessions (status, updated_at)",
    "CREATE INDEX sessions_by_parent ON sessions (parent_session_id, updated_at)",
    """CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        seq INTEGER NOT NULL CHECK (seq > 0),
        turn_id TEXT NOT NULL DEFAULT '',
        role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
        parts TEXT NOT NULL CHECK (json_valid(parts)),
        model TEXT NOT NULL DEFAULT '',
        stop_reason TEXT,
        created_at TIMESTAMP NOT NULL,
        UNIQUE (session_id, seq)
    )""",
    """CREATE TRIGGER messages_are_never_changed BEFORE UPDATE ON messages BEGIN
        SELECT RAISE(ABORT, 'messages are append-only');
    END""",
    """CREATE TRIGGER messages_leave_with_their_session BEFORE DELETE ON messages
    WHEN EXISTS (SELECT 1 FROM sessions WHERE session_id = OLD.session_id) BEGIN
        SELECT RAISE(ABORT, 'messages are append-only');
    END""",
    """CREATE VIEW transcripts AS
    SELECT session_id, (
        SELECT json_group_array(json(entry)) FROM (
            SELECT json_object(
                'seq', seq, 'turn_id', turn_id, 'role', role, 'parts', json(parts), 'model', model,
                'stop_reason', stop_reason, 'created_at', created_at
            ) AS entry
            FROM messages WHERE messages.session_id = sessions.session_id ORDER BY seq
        )
    ) AS transcript FROM sessions""",
)

TURNS = (
    """CREATE TABLE turns (
        id INTEGER PRIMARY KEY,
        turn_id TEXT NOT NULL UNIQUE,
        session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        state TEXT NOT NULL CHECK (state IN ('running', 'completed', 'cancelled', 'failed', 'limited')),
        config_revision INTEGER NOT NULL,
        model TEXT NOT NULL DEFAULT '',
        started_at TIMESTAMP NOT NULL,
        finished_at TIMESTAMP,
        input_tokens INTEGER,
        output_tokens INTEGER,
        cache_read_tokens INTEGER,
        cache_write_tokens INTEGER,
        reasoning_tokens INTEGER,
        cost TEXT,
        steps INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE INDEX turns_by_session ON turns (session_id, id)",
    "CREATE INDEX turns_by_start ON turns (started_at)",
    """CREATE TABLE events (
        event_id INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        turn_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        data TEXT NOT NULL CHECK (json_valid(data)),
        created_at TIMESTAMP NOT NULL
    )""",
    "CREATE INDEX events_by_session ON events (session_id, event_id)",
    """CREATE TABLE partials (
        session_id TEXT PRIMARY KEY NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        turn_id TEXT NOT NULL,
        message TEXT NOT NULL CHECK (json_valid(message)),
        updated_at TIMESTAMP NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE leases (
        session_id TEXT PRIMARY KEY NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        epoch INTEGER NOT NULL,  -- grows with every turn and is never reused, so the row stays when the lease is free
        owner TEXT NOT NULL DEFAULT '',
        turn_id TEXT,  -- NULL: free
        expires_at TIMESTAMP NOT NULL
    ) WITHOUT ROWID""",
)

SHARED = (
    """CREATE TABLE memory (
        scope TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL CHECK (json_valid(value)),
        revision INTEGER NOT NULL DEFAULT 1,
        author TEXT NOT NULL DEFAULT '',
        updated_at TIMESTAMP NOT NULL,
        PRIMARY KEY (scope, key)
    )""",
    """CREATE TABLE board (
        post_id INTEGER PRIMARY KEY AUTOINCREMENT,
        scope TEXT NOT NULL,
        topic TEXT NOT NULL DEFAULT '',
        author TEXT NOT NULL DEFAULT '',
        body TEXT NOT NULL,
        created_at TIMESTAMP NOT NULL
    )""",
    "CREATE INDEX board_by_topic ON board (scope, topic, post_id)",
    """CREATE TABLE shared_files (
        scope TEXT NOT NULL,
        path TEXT NOT NULL,
        content BLOB NOT NULL,
        size INTEGER NOT NULL,
        content_hash TEXT NOT NULL,
        revision INTEGER NOT NULL DEFAULT 1,
        author TEXT NOT NULL DEFAULT '',
        updated_at TIMESTAMP NOT NULL,
        PRIMARY KEY (scope, path)
    )""",
    """CREATE TABLE permission_grants (
        grant_id INTEGER PRIMARY KEY AUTOINCREMENT,
        scope TEXT NOT NULL CHECK (scope IN ('session', 'config', 'user')),
        scope_id TEXT NOT NULL DEFAULT '',
        rule TEXT NOT NULL,
        decision TEXT NOT NULL CHECK (decision IN ('allow', 'ask', 'deny')),
        created_at TIMESTAMP NOT NULL,
        UNIQUE (scope, scope_id, rule, decision)
    )""",
    """CREATE TABLE settings (
        key TEXT PRIMARY KEY NOT NULL,
        value TEXT NOT NULL CHECK (json_valid(value)),
        updated_at TIMESTAMP NOT NULL
    ) WITHOUT ROWID""",
)

# External content: the words are not stored twice. Trigrams find parts of identifiers and paths, and Chinese,
# Japanese and Korean, which `unicode61` does not split into words. Indexing costs 0.3 ms for each 1,000 characters, in
# the transaction that everybody else waits for: so of a config the first 65,536 are indexed, of a message 16,384.
SEARCH = (
    """CREATE VIEW config_words AS
    SELECT number, name, description, substr(yaml_content, 1, 65536) AS body FROM configs""",
    """CREATE VIRTUAL TABLE configs_fts USING fts5(
        name, description, body, content='config_words', content_rowid='number', tokenize='trigram'
    )""",
    """CREATE TRIGGER configs_fts_added AFTER INSERT ON configs BEGIN
        INSERT INTO configs_fts (rowid, name, description, body) SELECT * FROM config_words WHERE number = NEW.number;
    END""",
    """CREATE TRIGGER configs_fts_removed BEFORE DELETE ON configs BEGIN
        INSERT INTO configs_fts (configs_fts, rowid, name, description, body)
        SELECT 'delete', * FROM config_words WHERE number = OLD.number;
    END""",
    """CREATE TRIGGER configs_fts_leaving BEFORE UPDATE OF name, description, yaml_content ON configs BEGIN
        INSERT INTO configs_fts (configs_fts, rowid, name, description, body)
        SELECT 'delete', * FROM config_words WHERE number = OLD.number;
    END""",
    """CREATE TRIGGER configs_fts_coming AFTER UPDATE OF name, description, yaml_content ON configs BEGIN
        INSERT INTO configs_fts (rowid, name, description, body) SELECT * FROM config_words WHERE number = NEW.number;
    END""",
    """CREATE VIEW message_words AS SELECT id, substr((
        SELECT group_concat(coalesce(json_extract(value, '$.text'), json_extract(value, '$.content')), char(10))
        FROM json_each(messages.parts) WHERE json_extract(value, '$.type') IN ('text', 'tool_result')
    ), 1, 16384) AS words FROM messages""",
    """CREATE VIRTUAL TABLE messages_fts USING fts5(
        words, content='message_words', content_rowid='id', tokenize='trigram'
    )""",
    """CREATE TRIGGER messages_fts_added AFTER INSERT ON messages BEGIN
        INSERT INTO messages_fts (rowid, words) SELECT id, words FROM message_words WHERE id = NEW.id;
    END""",
    """CREATE TRIGGER messages_fts_removed BEFORE DELETE ON messages BEGIN
        INSERT INTO messages_fts (messages_fts, rowid, words)
        SELECT 'delete', id, words FROM message_words WHERE id = OLD.id;
    END""",
    "INSERT INTO configs_fts (rowid, name, description, body) SELECT * FROM config_words",
    "INSERT INTO messages_fts (rowid, words) SELECT id, words FROM message_words",
)

# Digests of texts from elsewhere. The text is kept where a person trusted it, so that a newer one can be compared.
TRUST = (
    """CREATE TABLE trust (
        digest TEXT PRIMARY KEY NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('outside', 'trusted')),
        source TEXT NOT NULL DEFAULT '',
        place TEXT NOT NULL DEFAULT '',
        text TEXT NOT NULL DEFAULT '',
        updated_at TIMESTAMP NOT NULL
    )""",
    "CREATE INDEX trust_by_place ON trust (place, updated_at)",
    "CREATE INDEX config_revisions_by_content ON config_revisions (content_hash)",
)

# Asked at the end of every turn: 20,000 events of a long session took 75 ms to look through.
LEFT = ("CREATE INDEX events_left ON events (session_id, event_id) WHERE kind = 'message_left'",)

# `models` is what each model used, as JSON, where that is not all the one that the turn began with.
SHARES = (
    "ALTER TABLE turns ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE turns ADD COLUMN models TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(models))",
    "ALTER TABLE sessions ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0",
)

MIGRATIONS: tuple[tuple[str, Sequence[str]], ...] = (
    ("0001_configs", CONFIGS),
    ("0002_sessions", SESSIONS),
    ("0003_turns", TURNS),
    ("0004_shared", SHARED),
    ("0005_search", SEARCH),
    ("0006_trust", TRUST),
    ("0007_left", LEFT),
    ("0008_shares", SHARES),
)
"""Name and statements, in order. The schema's version is how many of them a file has seen."""


def version() -> int:
    """Return the version of the schema that this program writes."""
    return len(MIGRATIONS)


def migrate(database: Database, migrations: Sequence[tuple[str, Sequence[str]]] = MIGRATIONS) -> int:
    """Bring a file to the newest schema and return the version that it had before.

    Costs one small query where nothing is pending: sqlite-utils is imported only when there is work.

    Raises:
        SchemaTooNew: If the file was written by a newer version.
        StorageError: If the file is a database of another program.
    """
    with database.read() as connection:
        before = _applied(connection, database.path)
    names = [name for name, _ in migrations]
    if _pending(before, names, database.path):
        _upgrade(database, migrations)
    return len(before)


def _applied(connection: sqlite3.Connection, path: Path) -> list[str]:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "_sqlite_migrations" not in tables:
        if tables:
            raise StorageError(f"{path} is a database of another program; name another file with --db or AWB_DB.")
        return []
    rows = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ?", (MIGRATION_SET,))
    applied = [str(row[0]) for row in rows]
    if not applied and tables - {"_sqlite_migrations", "sqlite_sequence"}:
        raise StorageError(f"{path} is a database of another program; name another file with --db or AWB_DB.")
    return applied


def _pending(applied: Sequence[str], names: Sequence[str], path: Path) -> bool:
    unknown = [name for name in applied if name not in names]
    if unknown:
        raise SchemaTooNew(
            f"{path} has schema version {len(applied)} ({unknown[-1]}), this program knows {len(names)}. "
            "Update the program, or name another file with --db or AWB_DB."
        )
    return len(applied) < len(names)


def _upgrade(database: Database, migrations: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Run what is pending under the file lock, so that of many first starts one works and the others find it done."""
    with database.file_lock():
        with database.read() as connection:
            applied = _applied(connection, database.path)
        if not _pending(applied, [name for name, _ in migrations], database.path):
            return
        if applied:
            database.backup(backup_path(database.path, len(applied)))
        with database.write() as connection:
            _apply(connection, migrations)


def backup_path(path: Path, version_before: int) -> Path:
    """Return where the copy from before an upgrade goes: `workbench.db.v3-20261120T235100.bak`."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    return path.with_name(f"{path.name}.v{version_before}-{stamp}.bak")


def _apply(connection: sqlite3.Connection, migrations: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Let sqlite-utils run and record them. Its own transactions begin deferred, so this runs inside ours."""
    from sqlite_utils import Database as SqliteUtils  # 90 ms to import
    from sqlite_utils import Migrations

    known = Migrations(MIGRATION_SET)
    for name, statements in migrations:
        known(name=name)(_runner(name, statements))
    rows, connection.row_factory = connection.row_factory, None
    try:
        known.apply(SqliteUtils(connection, recursive_triggers=False, execute_plugins=False))
    finally:
        connection.row_factory = rows


def _runner(name: str, statements: Sequence[str]) -> Any:
    def run(db: Any) -> None:
        for statement in statements:
            db.execute(statement)

    run.__name__ = name
    return run
