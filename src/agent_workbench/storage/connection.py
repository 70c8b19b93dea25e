"""One SQLite file: who may write when, and what a failure is called.

- One writer connection per process behind a lock, every write in `BEGIN IMMEDIATE`; readers come from a small pool.
- SQLite before 3.51.3 can corrupt a WAL file when one process resets the log while another checkpoints. There, every
  write, checkpoint and close goes through one file lock beside the file (`workbench.db.lock`), and only SQLite's own
  automatic checkpoints run. See docs/decisions/0003-one-sqlite-file.md for the figures.
- The journal mode of a file that exists is never changed; on a network file system WAL is refused.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_workbench.conversation.codec import clean_text
from agent_workbench.errors import StorageBusy, StorageError
from agent_workbench.storage.faults import failure, is_busy
from agent_workbench.storage.filesystems import network_filesystem

if TYPE_CHECKING:
    from filelock import BaseFileLock

WAL_FIXED = (3, 51, 3)
"""The first SQLite without the WAL-reset race."""
TIMEOUT_S = 15.0
"""How long a write waits for its turn, in this process and among others, before it is `StorageBusy`."""
POLL_S = 0.0002
"""How often a waiting process looks at the file lock. A commit holds it for about 0.6 ms; with 4 processes that write
without a pause, 0.2 ms gives p99 15 ms where 1 ms gives 31: whoever just let go is back before a slow sleeper looks."""
MAX_READERS = 4
"""Connections kept for reading; more are made under load and closed when given back. Each may cache 16 MB, with which
a search for a word that is in 100,000 texts takes 22 ms; with 8 MB it takes 26."""
_MAX_INT = 2**63 - 1


class _Connection(sqlite3.Connection):
    """A connection that takes any string and number: lone surrogates and integers of more than 64 bits, which come in
    with a request, would raise at the oddest place."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if isinstance(parameters, dict):
            parameters = {key: _bindable(item) for key, item in parameters.items()}
        else:
            parameters = [_bindable(item) for item in parameters]
        return super().execute(sql, parameters)


def _bindable(value: Any) -> Any:
    if type(value) is str:
        return clean_text(value)
    return max(-_MAX_INT, min(_MAX_INT, value)) if type(value) is int else value


class Database:
    """The connections to one file. All calls are safe from any thread."""

    def __init__(self, path: Path, *, timeout_s: float = TIMEOUT_S, file_lock: bool | None = None) -> None:
        """Prepare for a file, creating it where there is none.

        `file_lock` forces the file lock on; by default the version of SQLite decides.

        Raises:
            StorageError: If the file cannot be opened, or is a WAL file on a network file system.
        """
        self.path = path.expanduser().absolute()
        self.timeout_s = timeout_s
        self.uses_file_lock = sqlite3.sqlite_version_info < WAL_FIXED if file_lock is None else file_lock
        self._write_lock = threading.Lock()
        self._pool_lock = threading.Lock()
        self._watch_lock = threading.Lock()
        self._held: list[sqlite3.Connection] = []
        self._idle: list[sqlite3.Connection] = []
        self._lent: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._watcher: sqlite3.Connection | None = None
        self._file_lock: BaseFileLock | None = None
        self._closed = False
        self._sides: tuple[tuple[int, int] | None, ...] | None = None
        with self.translated():
            self._prepare_file()
        # Python closes what is left when it exits; the last close checkpoints, which must hold the file lock too.
        self._finalizer = weakref.finalize(
            self, _close_all, self._held, self._lock_file, self.uses_file_lock, os.getpid()
        )

    @property
    def _lock_file(self) -> Path:
        """The one lock of the file, whichever link it was opened by; SQLite resolves links for its side files, too."""
        real = Path(os.path.realpath(self.path))
        return real.with_name(real.name + ".lock")

    # --- the file -------------------------------------------------------------------------------------------------

    def _prepare_file(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.path.exists() and not self.path.is_file():
            raise StorageError(f"{self.path} is no file. Name another one with --db or AWB_DB.")
        if not self.path.exists() or self.path.stat().st_size == 0:
            self._create()
        kind = network_filesystem(self.path.parent)
        if kind and _is_wal_file(self.path):
            raise StorageError(
                f"{self.path} uses a write-ahead log, which is not safe on the network file system {kind}. "
                "Move it to a local disk, or name another file with --db or AWB_DB."
            )
        stat = self.path.stat()
        self._identity = (stat.st_dev, stat.st_ino)

    def _create(self) -> None:
        """Make the file, private to the person, in WAL mode where the disk is local. The file lock decides races."""
        with self.file_lock():
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            if self.path.stat().st_size or network_filesystem(self.path.parent):
                return
            connection = self._connect()
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                self._held.remove(connection)
                connection.close()

    def _connect(self, *, query_only: bool = False) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",
            uri=True,
            timeout=self.timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            factory=_Connection,
        )
        self._held.append(connection)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -16384")
        if query_only:
            connection.execute("PRAGMA query_only = ON")
        return connection

    def _check_still_there(self) -> None:
        """Refuse to write into a file that was deleted or replaced: nobody would ever see it."""
        try:
            stat = self.path.stat()
        except FileNotFoundError as error:
            raise StorageError(f"The database {self.path} was deleted; nothing more can be saved to it.") from error
        if (stat.st_dev, stat.st_ino) != self._identity:
            raise StorageError(f"The database {self.path} was replaced by another file; start again to use that one.")
        if self._sides is not None and self._sides != self._side_files():
            raise StorageError(
                f"The log of {self.path} was deleted or replaced while it was in use: what is written now, no other "
                "program would see. Close all that use the file, then start again."
            )

    def _side_files(self) -> tuple[tuple[int, int] | None, ...]:
        """Return what identifies the log and its index; they stay the same as long as a connection is open."""
        real = os.path.realpath(self.path)
        return tuple(_identity(f"{real}{tail}") for tail in ("-wal", "-shm"))

    # --- locks ----------------------------------------------------------------------------------------------------

    @contextmanager
    def file_lock(self) -> Iterator[None]:
        """Hold the lock beside the file, whatever the version.

        Raises:
            StorageBusy: If another process held it longer than the timeout.
        """
        from filelock import FileLock, Timeout  # costs 30 ms to import: paid by the first write, not by the first frame

        if self._file_lock is None:
            self._file_lock = FileLock(self._lock_file, thread_local=False, poll_interval=POLL_S, mode=0o600)
        try:
            self._file_lock.acquire(timeout=self.timeout_s)
        except Timeout as error:
            raise StorageBusy(f"Another process kept {self.path} locked for {self.timeout_s:g} s.") from error
        try:
            yield
        finally:
            self._file_lock.release()

    def _write_turn(self) -> AbstractContextManager[None]:
        return self.file_lock() if self.uses_file_lock else nullcontext()

    @contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """Lend the writer connection to one thread, outside a transaction.

        Raises:
            StorageBusy: If it was not free within the timeout.
        """
        if not self._write_lock.acquire(timeout=self.timeout_s):
            raise StorageBusy(f"Another write kept {self.path} locked for {self.timeout_s:g} s.")
        try:
            with self.translated(), self._write_turn():
                self._check_open()
                self._check_still_there()
                if self._writer is None:
                    self._writer = self._connect()
                yield self._writer
        finally:
            self._write_lock.release()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Run one short write transaction; whatever the body raises undoes it.

        Raises:
            StorageBusy: If other writers kept the file locked longer than the timeout.
            StorageError: If the disk is full or read-only, or the file is gone or damaged.
        """
        with self.exclusive() as connection:
            self._patiently(connection, "BEGIN IMMEDIATE")
            try:
                if self._sides is None:
                    self._sides = self._side_files()
                yield connection
                self._patiently(connection, "COMMIT")
            except BaseException:  # a cancelled task or ctrl+c too: the connection is used again, without half a change
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _patiently(self, connection: sqlite3.Connection, statement: str) -> None:
        """Repeat while SQLite is busy: it gives up at once, without its timeout, where it fears a deadlock."""
        deadline = time.monotonic() + self.timeout_s
        while True:
            try:
                connection.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= deadline:
                    raise
                time.sleep(random.uniform(0.002, 0.02))

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one state of the file throughout and cannot write."""
        with self.translated():
            connection = self._borrow()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._give_back(connection)

    def _borrow(self) -> sqlite3.Connection:
        with self._pool_lock:
            self._check_open()
            connection = self._idle.pop() if self._idle else self._connect(query_only=True)
            self._lent.append(connection)
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._pool_lock:
            self._lent.remove(connection)
            if self._closed:
                _close_all([connection], self._lock_file, self.uses_file_lock)
            elif len(self._idle) < MAX_READERS:
                self._idle.append(connection)
            else:  # never the last one open: the pool is full
                self._held.remove(connection)
                connection.close()

    # --- the rest -------------------------------------------------------------------------------------------------

    @property
    def idle(self) -> int:
        """How many connections wait for somebody to read."""
        return len(self._idle)

    def data_version(self) -> int:
        """Return a number that changes when any connection of any process has committed a write."""
        with self._watch_lock, self.translated():
            self._check_open()
            if self._watcher is None:
                self._watcher = self._connect(query_only=True)
            return int(self._watcher.execute("PRAGMA data_version").fetchone()[0])

    def backup(self, target: Path) -> Path:
        """Write a whole, compact copy (`VACUUM INTO`) that appears under its name only when it is on the disk."""
        part = target.with_name(target.name + ".part")
        with self.translated():
            part.unlink(missing_ok=True)
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            try:
                self._copy_into(part)
                with part.open("rb") as copy:
                    os.fsync(copy.fileno())
                part.replace(target)
            except BaseException:  # ctrl+c too: half a copy is none, and on a full disk it is in the way
                part.unlink(missing_ok=True)
                raise
        return target

    def _copy_into(self, part: Path) -> None:
        """Copy beside the writers: it only reads, so it must not keep them waiting; only its close takes the lock."""
        connection = self._connect()
        try:
            connection.execute("VACUUM INTO ?", (str(part),))
        finally:
            with self._write_lock, self._write_turn():
                self._held.remove(connection)
                connection.close()

    def facts(self, *, integrity: bool = True) -> dict[str, Any]:
        """Return what `doctor` shows of the file itself; checking its integrity reads all of it."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        with self.read() as connection:
            return {
                "path": str(self.path),
                "size": sum(file.stat().st_size for file in files if file.exists()),
                "sqlite": sqlite3.sqlite_version,
                "journal_mode": connection.execute("PRAGMA journal_mode").fetchone()[0],
                "wal_race_fixed": sqlite3.sqlite_version_info >= WAL_FIXED,
                "locking": "one file lock for all writes" if self.uses_file_lock else "SQLite's own",
                "network_filesystem": network_filesystem(self.path.parent),
                "integrity": connection.execute("PRAGMA quick_check(5)").fetchone()[0] if integrity else "not checked",
            }

    def close(self) -> None:
        """Close every connection; calls that come later fail, a read that is under way ends. Safe to call twice."""
        with self._write_lock, self._pool_lock, self._watch_lock:
            self._closed = True
            self._held[:] = [connection for connection in self._held if connection not in self._lent]
            self._finalizer()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError(f"The database {self.path} was closed.")

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn SQLite's expected failures into ours; what is a bug passes unchanged."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise failure(error, self.path) or error from error
        except OSError as error:
            raise StorageError(f"{self.path} cannot be used: {error}") from error


def _close_all(
    connections: list[sqlite3.Connection], lock_file: Path, uses_file_lock: bool, owner: int | None = None
) -> None:
    if owner is not None and owner != os.getpid():
        return  # a forked child ends: the connections are its parent's
    with ExitStack() as stack:
        if uses_file_lock and connections and lock_file.parent.is_dir():
            from filelock import FileLock, Timeout

            try:
                stack.enter_context(FileLock(lock_file, timeout=2.0, poll_interval=POLL_S, mode=0o600))
            except Timeout:
                return  # left open: the process is ending, and a checkpoint now would not be safe
        while connections:
            connections.pop().close()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino


def _is_wal_file(path: Path) -> bool:
    """Read bytes 18 and 19 of the header (https://sqlite.org/fileformat2.html): 2 is a write-ahead log."""
    with path.open("rb") as file:
        header = file.read(20)
    return header[18:20] == b"\x02\x02"
