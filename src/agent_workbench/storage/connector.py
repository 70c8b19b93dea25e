"""Other people's SQLite files: one statement in a process of its own, which can read and little else.

The process has limits of memory and processor time, and whoever starts it kills it when its time is up: SQLite looks at
the clock between steps only, and a hostile file or a single call of `replace` may never get to the next one.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

MAX_SQL = 100_000
MAX_CELL = 2000
"""Characters of one value that are returned."""
MAX_ANSWER = 200_000
"""Characters of all values together."""
MEMORY = 1 << 30
SPILL = 1 << 30
"""Bytes that one temporary file may have."""
STEPS = 10_000
"""SQLite's steps between two looks at the clock, about a millisecond."""

_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_WRITING = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "zipfile"})
_HEADER = b"SQLite format 3\0"
_SCHEMA = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name"
_LIMITS = {
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LENGTH: 50_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: MAX_SQL,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
}


@dataclass(frozen=True)
class Connector:
    """Says how a statement is run, and on which files none is. `own` are the workbench's files and folders."""

    own: tuple[Path, ...] = ()

    def refusal(self, path: Path) -> str:
        """Return why no statement is run on a file, or nothing. Hard links of our own files are theirs too."""
        try:
            found = path.stat()
        except OSError as error:
            return f"{path} cannot be opened: {error.strerror or error}"
        for own in self.own:
            beside = own.parent.glob(f"{own.name}*") if not own.is_dir() else own.rglob("*")
            if path.is_relative_to(own) or any(_same(found, one) for one in (own, *beside)):
                return f"{path} is the workbench's own"
        return "" if path.is_file() else f"{path} is no regular file"

    def program(
        self, path: Path, sql: str, parameters: Sequence[Any], *, write: bool, max_rows: int, seconds: float
    ) -> tuple[tuple[str, ...], bytes]:
        """Return the words of the process that runs a statement, and what it reads. An empty `sql` asks for the schema.

        It prints `{"columns", "rows", "cut", "changed"}` or `{"error"}` as JSON.
        """
        found = path.stat()
        asked = {
            "path": str(path),
            "file": [found.st_dev, found.st_ino],
            "sql": sql,
            "parameters": list(parameters),
            "write": write,
            "max_rows": max_rows,
            "seconds": seconds,
        }
        argv = (sys.executable, "-I", "-m", "agent_workbench.storage.connector")
        return argv, json.dumps(asked).encode("utf-8", "replace")


def _same(found: os.stat_result, other: Path) -> bool:
    try:
        return os.path.samestat(found, other.stat())
    except OSError:
        return False


def run(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Run one statement, as `Connector.program` describes it."""
    path = Path(asked["path"])
    try:
        connection = _opened(path, asked["write"], asked["file"])
    except (OSError, sqlite3.Error) as error:
        return {"error": f"{path.name} cannot be opened: {error}"}
    try:
        deadline = time.monotonic() + asked["seconds"]
        connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
        connection.set_authorizer(_authorizer(asked["write"]))
        cursor = connection.execute(asked["sql"] or _SCHEMA, asked["parameters"])
        return _answer(cursor, asked["max_rows"])
    except (sqlite3.Error, sqlite3.Warning, MemoryError, OverflowError, ValueError) as error:
        return {"error": _words(error)}
    finally:
        connection.close()


def _opened(path: Path, write: bool, file: Sequence[int]) -> sqlite3.Connection:
    """Open a file that is the one that was checked, with everything off that reaches beyond it."""
    with open(path, "rb") as opened:
        if opened.read(16) not in (_HEADER, b""):
            raise OSError("it is no SQLite database")
    address = f"file:{quote(str(path))}?mode={'rw' if write else 'ro'}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=5)
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    settings = (
        "trusted_schema = OFF",
        "cell_size_check = ON",
        "mmap_size = 0",
        "cache_size = -16000",
        "foreign_keys = ON",
    )
    for setting in (*settings, *(() if write else ("query_only = ON",))):
        connection.execute(f"PRAGMA {setting}")
    now = path.stat()
    if [now.st_dev, now.st_ino] != list(file):
        connection.close()
        raise OSError("it is not the file that was approved")
    return connection


def _authorizer(write: bool) -> Any:
    def allowed(action: int, one: str | None, two: str | None, database: str | None, trigger: str | None) -> int:
        if action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in _FUNCTIONS:
            return sqlite3.SQLITE_DENY
        if action in _READING:
            return sqlite3.SQLITE_OK
        if write and action in _WRITING and not (one or "").lower().startswith("sqlite_"):
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return allowed


def _answer(cursor: sqlite3.Cursor, max_rows: int) -> dict[str, Any]:
    columns = [one[0] for one in cursor.description or ()]
    rows: list[list[Any]] = []
    room, cut = MAX_ANSWER, False
    for row in cursor:
        cells = [_cell(value) for value in row]
        room -= sum(len(str(cell)) for cell in cells)
        if len(rows) >= max_rows or room < 0:
            cut = True
            break
        rows.append(cells)
    return {"columns": columns, "rows": rows, "cut": cut, "changed": max(0, cursor.rowcount)}


def _cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()
        return text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]} […]"
    return value if value is None or isinstance(value, int) else str(value)


def _words(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it took more memory than it may"
    words = str(error)
    if words == "interrupted":
        return "it took too long"
    if "not authorized" in words or "prohibited" in words:
        return f"{words}: only one statement that reads (or, where the config allows, changes) rows is run"
    return words


def main() -> None:
    """Answer one question from standard input, with limits that a hostile file cannot leave."""
    asked = json.load(sys.stdin.buffer)
    processor = int(asked["seconds"]) + 2
    limits = ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, processor), (resource.RLIMIT_FSIZE, SPILL))
    for limit, value in limits if not asked["write"] else limits[:2]:  # a file that is changed may be larger
        resource.setrlimit(limit, (value, value))
    json.dump(run(asked), sys.stdout)


if __name__ == "__main__":
    main()
