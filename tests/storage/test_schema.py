"""Migrations: from nothing, from every older schema, and from a newer one."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from agent_workbench.conversation.messages import user
from agent_workbench.errors import SchemaTooNew, StorageError
from agent_workbench.storage import schema
from agent_workbench.storage.connection import Database
from agent_workbench.storage.database import open_store

TABLES = {
    "configs", "config_revisions", "config_tags", "sessions", "messages", "turns", "events", "partials", "leases",
    "memory", "board", "shared_files", "permission_grants", "settings", "configs_fts", "messages_fts",
}  # fmt: skip


def make_old(path: Path, version: int) -> None:
    """Make a file as an older program left it, with a config and, where it knew them, a message."""
    database = Database(path)
    schema.migrate(database, schema.MIGRATIONS[:version])
    with database.write() as connection:
        connection.execute(
            "INSERT INTO configs (config_id, name, description, yaml_content, created_at, updated_at, content_hash, "
            "size, number) VALUES ('c', 'old one', NULL, 'from: the past', '2026-01-01T00:00:00.000000+00:00', "
            "'2026-01-01T00:00:00.000000+00:00', '', 14, 1)"
        )
        if version >= 2:
            connection.execute(
                "INSERT INTO sessions (session_id, config_id, status, created_at, updated_at, message_count) VALUES "
                "('s', 'c', 'active', '2026-01-01T00:00:00.000000+00:00', '2026-01-01T00:00:00.000000+00:00', 1)"
            )
            connection.execute(
                "INSERT INTO messages (session_id, seq, role, parts, created_at) VALUES ('s', 1, 'user', "
                """'[{"type":"text","text":"remember me"}]', '2026-01-01T00:00:00.000000+00:00')"""
            )
    database.close()


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.bak"))


def count(path: Path, sql: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(sql).fetchone()[0])
    finally:
        connection.close()


def test_a_new_file_gets_every_table_and_no_backup(path: Path) -> None:
    store = open_store(path)
    store.close()
    connection = sqlite3.connect(path)
    found = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert found >= TABLES
    assert backups(path) == []


@pytest.mark.parametrize("version", range(1, schema.version()))
def test_every_older_schema_opens_with_its_rows_and_a_copy_beside_it(path: Path, version: int) -> None:
    make_old(path, version)
    store = open_store(path)
    found, total = store.configs.list_configs(q="the past")
    assert (total, found[0].name, found[0].created_at.year) == (1, "old one", 2026)
    if version >= 2:
        assert [one.message for one in store.sessions.search("remember")] == [user("remember me")]
    assert store.check()["integrity"] == "ok"
    store.close()
    (copy,) = backups(path)
    assert f".v{version}-" in copy.name
    assert copy.stat().st_mode & 0o777 == 0o600
    assert count(copy, "SELECT count(*) FROM _sqlite_migrations") == version
    assert count(copy, "SELECT count(*) FROM configs") == 1
    open_store(path).close()
    assert backups(path) == [copy]


def test_a_newer_schema_is_refused_with_both_versions_and_left_alone(path: Path) -> None:
    newer = (*schema.MIGRATIONS, ("0999_future", ["CREATE TABLE future (a)"]))
    database = Database(path)
    schema.migrate(database, newer)
    database.close()
    before = path.read_bytes()
    known = schema.version()
    with pytest.raises(SchemaTooNew, match=rf"version {known + 1} \(0999_future\), this program knows {known}"):
        open_store(path)
    assert path.read_bytes() == before


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    make_old(path, 1)
    broken = (
        schema.MIGRATIONS[0],
        ("0002_good", ["CREATE TABLE good (a)"]),
        ("0003_bad", ["CREATE TABLE configs (a)"]),
    )
    database = Database(path)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        schema.migrate(database, broken)
    database.close()
    assert count(path, "SELECT count(*) FROM sqlite_master WHERE name = 'good'") == 0
    assert len(backups(path)) == 1
    open_store(path).close()


def test_the_database_of_another_program_is_not_touched(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="another program"):
        open_store(path)
    assert path.read_bytes() == before


def test_names_are_unique_and_in_order() -> None:
    names = [name for name, _ in schema.MIGRATIONS]
    assert names == sorted(set(names))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_opening_what_is_up_to_date_imports_neither_sqlite_utils_nor_filelock(path: Path) -> None:
    open_store(path).close()
    code = (
        "import sys, pathlib; from agent_workbench.storage.database import open_store;"
        "store = open_store(pathlib.Path(sys.argv[1])); store.configs.list_configs(); store.sessions.list_sessions();"
        "print([name for name in ('sqlite_utils', 'filelock', 'textual', 'anthropic') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code, str(path)], text=True).strip() == "[]"
