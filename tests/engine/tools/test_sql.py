"""SQL: rows of the databases that the config names, and no way from there to anything else."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from agent_workbench.engine.arguments import argument_fault
from agent_workbench.engine.permissions import PermissionManager
from agent_workbench.engine.ports import MountContext, ToolContext, ToolOutcome
from agent_workbench.engine.tools.files import FileRefused
from agent_workbench.engine.tools.sql import SQLConfig, create
from agent_workbench.services.shared import open_workbench
from agent_workbench.storage.connector import Connector, run

SHOP = """
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL, photo BLOB);
INSERT INTO items VALUES (1, 'apple', 0.5, x'0102'), (2, 'a
pear', NULL, NULL);
CREATE INDEX by_name ON items (name);
CREATE VIEW cheap AS SELECT name FROM items WHERE price < 1;
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    for name in ("shop", "other"):
        connection = sqlite3.connect(work / f"{name}.db")
        connection.executescript(SHOP)
        connection.close()
    return work


async def ask(
    folder: Path, tool: str, sql: str = "", *, parameters: Any = None, own: Any = (), **config: Any
) -> ToolOutcome:
    databases = {"shop": {"path": "shop.db", "write": True}, "other": "other.db", **config.pop("databases", {})}
    made = create(
        SQLConfig.model_validate({"databases": databases, **config}),
        MountContext({}, folder, resources={"sql": Connector(tuple(own))}),
    )
    chosen = next(one for one in made if one.spec.name == tool)
    arguments = {
        "database": "shop",
        **({"sql": sql} if sql else {}),
        **({"parameters": parameters} if parameters else {}),
    }
    assert argument_fault(chosen, arguments) == ""
    return await chosen.run(arguments, ToolContext("s", folder))


ROWS = {
    "a table": ("SELECT id, name, price, photo FROM items", None,
                "id | name | price | photo\n1 | apple | 0.5 | (2 bytes)\n2 | a\\npear | NULL | NULL"),
    "with values": ("SELECT name FROM items WHERE id = ?", [1], "name\napple"),
    "a view": ("SELECT * FROM cheap", None, "name\napple"),
    "nothing": ("SELECT 1 WHERE 0", None, "No rows."),
    "recursive": ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
                  None, "i\n1\n2\n3"),
    "aggregates": ("SELECT count(*) AS n, max(id) AS last FROM items", None, "n | last\n2 | 2"),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "parameters", "wanted"), ROWS.values(), ids=ROWS.keys())
async def test_rows(folder, sql, parameters, wanted):
    outcome = await ask(folder, "sql_query", sql, parameters=parameters)
    assert (outcome.content, outcome.is_error) == (wanted, False)


async def test_the_schema_is_shown(folder):
    outcome = await ask(folder, "sql_schema")
    assert "CREATE TABLE items" in outcome.content
    assert "CREATE VIEW cheap" in outcome.content


async def test_more_rows_than_allowed_are_cut(folder):
    outcome = await ask(folder, "sql_query", "SELECT id FROM items", max_rows=1)
    assert outcome.details == {"rows": 1, "cut": True}


ATTACKS = {
    "attach": "ATTACH DATABASE 'other.db' AS o",
    "attach in words": "ATTACH 'file:other.db?mode=rwc' AS o",
    "detach": "DETACH DATABASE main",
    "pragma": "PRAGMA journal_mode = WAL",
    "pragma that reads": "PRAGMA table_info(items)",
    "pragma as a function": "SELECT * FROM pragma_database_list",
    "writable schema": "PRAGMA writable_schema = ON",
    "a second statement": "SELECT 1; DROP TABLE items",
    "a second statement behind a comment": "SELECT 1 /* */; -- \nDELETE FROM items",
    "extension": "SELECT load_extension('/tmp/x.so')",
    "tokenizer": "SELECT fts3_tokenizer('simple', x'41')",
    "file functions": "SELECT writefile('/tmp/x', 'x')",
    "reading a file": "SELECT readfile('/etc/passwd')",
    "insert": "INSERT INTO items(id) VALUES (9)",
    "update": "UPDATE items SET name = 'x'",
    "delete": "DELETE FROM items",
    "returning": "DELETE FROM items RETURNING id",
    "upsert in a with": "WITH x AS (SELECT 1) INSERT INTO items(id) SELECT * FROM x",
    "drop": "DROP TABLE items",
    "create": "CREATE TABLE t (x)",
    "temporary": "CREATE TEMP TABLE t AS SELECT 1",
    "temporary trigger": "CREATE TEMP TRIGGER t AFTER INSERT ON items BEGIN SELECT 1; END",
    "virtual table": "CREATE VIRTUAL TABLE t USING fts5(x)",
    "vacuum into": "VACUUM INTO '/tmp/stolen.db'",
    "begin": "BEGIN IMMEDIATE",
    "savepoint": "SAVEPOINT x",
    "reindex": "REINDEX",
    "analyze": "ANALYZE",
    "alter": "ALTER TABLE items RENAME TO x",
    "no SQL": "hello",
    "a shell's words": ".shell ls",
    "a NUL": "SELECT 1\0; DROP TABLE items",
    "deep": "SELECT " + "(" * 2000 + "1" + ")" * 2000,
}


@pytest.mark.parametrize("sql", ATTACKS.values(), ids=ATTACKS.keys())
async def test_what_is_no_reading_is_refused_and_nothing_is_changed(folder, sql):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    outcome = await ask(folder, "sql_query", sql)
    assert outcome.is_error, outcome.content
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


WRITES = {
    "insert": ("INSERT INTO items(id, name) VALUES (9, 'x')", "1 rows changed."),
    "update": ("UPDATE items SET price = 1", "2 rows changed."),
    "delete": ("DELETE FROM items", "2 rows changed."),
}


@pytest.mark.parametrize(("sql", "wanted"), WRITES.values(), ids=WRITES.keys())
async def test_rows_are_changed_where_the_config_allows(folder, sql, wanted):
    outcome = await ask(folder, "sql_execute", sql)
    assert outcome.content == wanted
    assert (folder / "shop.db").read_bytes() != (folder / "other.db").read_bytes()


NOT_EVEN_THEN = [
    key for key in ATTACKS if key not in ("insert", "update", "delete", "returning", "upsert in a with")
]  # fmt: skip


@pytest.mark.parametrize("name", NOT_EVEN_THEN)
async def test_who_may_change_rows_may_nothing_else(folder, name):
    assert (await ask(folder, "sql_execute", ATTACKS[name])).is_error
    assert (folder / "shop.db").read_bytes() == (folder / "other.db").read_bytes()


ENDLESS = {
    "recursion": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "a cross join": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9999) "
                    "SELECT count(*) FROM n a, n b, n c, n d WHERE a.i + b.i + c.i + d.i < 0",
    "memory": "SELECT length(group_concat(hex(randomblob(1000000)))) FROM "
              "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9999) SELECT i FROM n)",
    "one call that never ends": "SELECT replace(hex(zeroblob(20000000)), hex(zeroblob(10000000)) || 'x', '')",
    "sorting": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
               "SELECT i, randomblob(1000) FROM n ORDER BY 2",
}  # fmt: skip


@pytest.mark.parametrize("sql", ENDLESS.values(), ids=ENDLESS.keys())
async def test_what_never_ends_is_ended(folder, sql):
    began = time.monotonic()
    outcome = await ask(folder, "sql_query", sql, timeout=0.5)
    assert outcome.is_error
    assert time.monotonic() - began < 8


async def test_stopping_the_turn_ends_the_statement(folder):
    task = asyncio.create_task(ask(folder, "sql_query", ENDLESS["recursion"], timeout=60))
    await asyncio.sleep(0.3)
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 2


async def test_our_own_database_is_refused_by_every_name(folder, tmp_path):
    own = tmp_path / "bench.db"
    own.write_bytes((folder / "shop.db").read_bytes())
    (tmp_path / "bench.db-wal").write_bytes(b"x")
    os.link(own, folder / "hard.db")
    (folder / "soft.db").symlink_to(own)
    for path in ("../bench.db", str(own), "hard.db", "soft.db", "../work/../bench.db", "../bench.db-wal"):
        outcome = await ask(folder, "sql_query", "SELECT 1", own=[own], databases={"shop": path})
        assert outcome.content.endswith("is the workbench's own"), path


NO_DATABASES = {
    "a text": ("text.db", "it is no SQLite database"),
    "a folder": ("sub", "is no regular file"),
    "nothing": ("gone.db", "No such file"),
    "a pipe": ("pipe", "is no regular file"),
    "a name that looks like an address": ("shop.db?mode=rwc", "No such file"),
}


@pytest.mark.parametrize(("path", "words"), NO_DATABASES.values(), ids=NO_DATABASES.keys())
async def test_what_is_no_database_is_said(folder, path, words):
    (folder / "text.db").write_text("hello")
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    outcome = await ask(folder, "sql_query", "SELECT 1", databases={"shop": path})
    assert words in outcome.content
    assert not (folder / "gone.db").exists()


def test_an_address_is_no_path(folder):
    with pytest.raises(FileRefused):
        create(SQLConfig(databases={"x": "file:shop.db?mode=rwc"}), MountContext({}, folder))


def test_a_file_that_was_swapped_is_not_read(folder):
    path = folder / "shop.db"
    asked = {"path": str(path), "file": [0, 0], "sql": "SELECT 1", "parameters": [], "write": False}
    assert "not the file that was approved" in run({**asked, "max_rows": 1, "seconds": 1})["error"]


def test_reading_is_allowed_in_the_workspace_and_writing_asks_in_every_mode(folder, tmp_path):
    config = SQLConfig.model_validate(
        {"databases": {"shop": {"path": "shop.db", "write": True}, "out": {"path": "../out.db"}}}
    )
    _, query, execute = create(config, MountContext({}, folder))
    manager, context = PermissionManager(folder), ToolContext("s", folder)

    def decision(tool: Any, mode: Any, name: str) -> str:
        intent = tool.intent({"database": name, "sql": "x"}, context)
        return manager.with_mode(mode).check(tool.spec.name, intent).decision

    assert decision(query, "ask", "shop") == "allow"
    assert decision(query, "ask", "out") == "ask"
    assert decision(execute, "ask", "shop") == "ask"
    assert decision(execute, "fast-edit", "shop") == "ask"
    assert decision(execute, "plan", "shop") == "deny"
    assert "out" not in str(execute.spec.input_schema)


async def test_a_workbench_gives_its_sessions_the_connector(folder, tmp_path):
    shared = open_workbench(tmp_path / "bench.db", workspace=folder, samples=False)
    call = {"tool_calls": [{"name": "sql_query", "arguments": {"database": "shop", "sql": "SELECT name FROM cheap"}}]}
    text = f"""
providers: [{{module: provider-mock, config: {{delay: 0, responses: [{call}, done]}}}}]
tools: [{{module: tool-sql, config: {{databases: {{shop: shop.db}}}}}}]
"""
    try:
        config = await shared.configs.create_config("sql", text)
        session = await shared.sessions.create_session(config.config_id)
        await shared.sessions.send_message(session.session_id, "go")
        stored = await shared.sessions.messages(session.session_id)
        (result,) = [part for one in stored for part in one.message.tool_results]
        assert result.content == "name\napple"
    finally:
        await shared.close()
