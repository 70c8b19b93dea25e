"""One database as the stores that services see."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent_workbench.conversation import codec
from agent_workbench.storage import rows, schema
from agent_workbench.storage.configs import SQLiteConfigs, insert
from agent_workbench.storage.connection import TIMEOUT_S, Database
from agent_workbench.storage.ports import (
    BoardStore,
    ConfigStore,
    GrantStore,
    MemoryStore,
    SessionStore,
    SharedFileStore,
    TrustStore,
)
from agent_workbench.storage.records import NewConfig
from agent_workbench.storage.resources import SQLiteBoard, SQLiteGrants, SQLiteMemory, SQLiteSharedFiles
from agent_workbench.storage.sessions import SQLiteSessions
from agent_workbench.storage.trust import SQLiteTrust


class SQLiteStore:
    """The `Store` of one SQLite file."""

    configs: ConfigStore
    sessions: SessionStore
    memory: MemoryStore
    board: BoardStore
    shared_files: SharedFileStore
    grants: GrantStore
    trust: TrustStore

    def __init__(self, database: Database) -> None:
        self.database = database
        self.configs = SQLiteConfigs(database)
        self.sessions = SQLiteSessions(database)
        self.memory = SQLiteMemory(database)
        self.board = SQLiteBoard(database)
        self.shared_files = SQLiteSharedFiles(database)
        self.grants = SQLiteGrants(database)
        self.trust = SQLiteTrust(database)

    def data_version(self) -> int:
        """Return a number that changes when any other connection or process has written. Costs microseconds."""
        return self.database.data_version()

    def check(self, *, integrity: bool = True) -> Mapping[str, Any]:
        """Return what `doctor` shows: path, size, SQLite version, journal mode, locking, schema, integrity.

        `integrity` reads the whole file, which takes seconds where it is big; without it the check takes microseconds.
        """
        return {**self.database.facts(integrity=integrity), "schema": schema.version()}

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a remembered JSON value (layout, last open things)."""
        with self.database.read() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return codec.loads(row["value"], default) if row else default

    def remember(self, key: str, value: Any) -> None:
        """Keep a JSON value."""
        with self.database.write() as connection:
            _remember(connection, key, value)

    def change_setting(self, key: str, change: Callable[[Any], Any]) -> None:
        """Replace a remembered value (None where there is none) by what a function makes of it, in one transaction."""
        with self.database.write() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
            _remember(connection, key, change(codec.loads(row["value"], None) if row else None))

    def introduce(self, key: str, configs: Sequence[NewConfig]) -> int:
        """Store those configs whose names are not yet in the list remembered under a key; return how many.

        Their names join the list in the same transaction: all of it happens, or nothing. Of several processes that
        introduce a name, one does. The first config is the newest afterwards.
        """
        with self.database.write() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
            known = codec.loads(row["value"], []) if row else []
            new = [config for config in configs if config.name not in known]
            for config in reversed(new):
                insert(connection, config)
            _remember(connection, key, sorted({*known, *(config.name for config in new)}))
            return len(new)

    def backup(self, target: Path) -> Path:
        """Write a whole copy of the database to a file, while others go on writing."""
        return self.database.backup(target)

    def close(self) -> None:
        """Close every connection; calls that come later fail. Safe to call twice."""
        self.database.close()


def _remember(connection: sqlite3.Connection, key: str, value: Any) -> None:
    sql = (
        "INSERT INTO settings (key, value, updated_at) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"
    )
    connection.execute(sql, (key, codec.dumps(value), rows.now()))


def open_store(path: Path, *, timeout_s: float = TIMEOUT_S) -> SQLiteStore:
    """Open the database at a path, making or upgrading it where needed.

    `timeout_s` is how long a write waits for its turn before it is `StorageBusy`.

    Raises:
        SchemaTooNew: If the file was written by a newer version of the program.
        StorageBusy: If another process kept the file locked too long.
        StorageError: If the file cannot be used: not ours, damaged, or a WAL file on a network file system.
    """
    database = Database(path, timeout_s=timeout_s)
    try:
        schema.migrate(database)
    except BaseException:  # ctrl+c while it upgrades, too: nobody else will close it
        database.close()
        raise
    return SQLiteStore(database)
