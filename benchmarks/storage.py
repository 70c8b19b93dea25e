"""How fast the database answers when it is big, and when several processes write at once.

Each figure is the median (or the named percentile) of repeated calls through the same public methods that the screens
use. The rows are made up from a fixed seed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from agent_workbench.conversation.messages import user
from agent_workbench.storage import rows
from agent_workbench.storage.database import SQLiteStore, open_store
from agent_workbench.storage.records import Page

# fmt: off
WORDS = (
    "agent", "tool", "provider", "session", "config", "memory", "search", "file", "shell", "write", "read", "model",
    "prompt", "token", "budget", "parser", "grammar", "index", "cache", "commit", "branch", "review", "deploy", "retry",
    "timeout", "stream", "socket", "buffer", "queue", "worker", "thread", "lease", "epoch",
)
# fmt: on


def main(arguments: list[str]) -> int:
    """Measure and print, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks storage")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--configs", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--appends", type=int, default=200)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options)
    if options.json:
        print(json.dumps({"sqlite": sqlite3.sqlite_version, "sizes": vars(options), "figures": figures}, indent=2))
    else:
        print(f"SQLite {sqlite3.sqlite_version}; {options.configs:,} configs, {options.messages:,} messages\n")
        for name, value in figures.items():
            print(f"{name:<52} {value:>12,.3f}")
    return 0


def measure(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the figures by name; the unit is in the name."""
    path = folder / "big.db"
    store = open_store(path)
    fill_configs(store, options.configs)
    fill_sessions(store, options.sessions, options.messages)
    figures = {**configs_figures(store), **session_figures(store)}
    figures["data_version, µs"] = 1000 * median_ms(store.data_version)
    store.close()
    figures |= opening_figures(path)
    return figures | append_figures(folder / "shared.db", options.processes, options.appends)


def median_ms(call: Callable[[], Any], repeat: int = 15) -> float:
    """Return the median time of a call in milliseconds."""
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times)


def configs_figures(store: SQLiteStore) -> dict[str, float]:
    """Measure the config browser's calls."""
    configs, middle = store.configs, Page(limit=50, offset=1000)
    return {
        "configs: first page of 50, ms": median_ms(lambda: configs.list_configs(Page(limit=50))),
        "configs: page of 50 by name, ms": median_ms(lambda: configs.list_configs(Page(limit=50, sort="name"))),
        "configs: page of 50 at 1,000, ms": median_ms(lambda: configs.list_configs(middle)),
        "configs: page of 50 by tag, ms": median_ms(lambda: configs.list_configs(Page(limit=50), tag="team=red")),
        "configs: search, rare word, ms": median_ms(lambda: configs.list_configs(Page(limit=50), q="needle777")),
        "configs: search, word in every text, ms": median_ms(lambda: configs.list_configs(Page(limit=50), q="bundle")),
        "configs: search, two words, ms": median_ms(lambda: configs.list_configs(Page(limit=50), q="parser grammar")),
        "configs: search, two letters, ms": median_ms(lambda: configs.list_configs(Page(limit=50), q="zq"), 3),
    }


def session_figures(store: SQLiteStore) -> dict[str, float]:
    """Measure the session list's calls."""
    sessions = store.sessions
    some = sessions.list_sessions(Page(limit=1))[0][0].session_id
    return {
        "sessions: first page of 50, ms": median_ms(lambda: sessions.list_sessions(Page(limit=50))),
        "sessions: page of 50, a folder first, ms": median_ms(lambda: sessions.list_sessions(workspace="/work/3")),
        "sessions: find by a rare word, ms": median_ms(lambda: sessions.list_sessions(q="needle777")),
        "sessions: find by a common word, ms": median_ms(lambda: sessions.list_sessions(q="parser")),
        "messages: search, rare word, ms": median_ms(lambda: sessions.search("needle777")),
        "messages: search, common word, ms": median_ms(lambda: sessions.search("parser")),
        "messages: search, two common words, ms": median_ms(lambda: sessions.search("parser grammar")),
        "messages: search, two letters, ms": median_ms(lambda: sessions.search("zq"), 3),
        "messages: open a session, ms": median_ms(lambda: sessions.messages(some)),
    }


def opening_figures(path: Path) -> dict[str, float]:
    """Measure opening the big file, here and in a fresh process with its imports."""

    def reopen() -> None:
        open_store(path).close()

    code = (
        "import time, sys, pathlib; t = time.perf_counter();"
        "from agent_workbench.storage.database import open_store; i = time.perf_counter();"
        "s = open_store(pathlib.Path(sys.argv[1])); s.sessions.list_sessions();"
        "print(1000 * (i - t), 1000 * (time.perf_counter() - i))"
    )
    runs = [subprocess.check_output([sys.executable, "-c", code, str(path)]).split() for _ in range(5)]
    return {
        "open an existing file, ms": median_ms(reopen),
        "fresh process: imports, ms": statistics.median(float(run[0]) for run in runs),
        "fresh process: open and first list, ms": statistics.median(float(run[1]) for run in runs),
    }


def append_figures(path: Path, processes: int, appends: int) -> dict[str, float]:
    """Let several processes append to sessions of their own in one file, one message for each transaction."""
    store = open_store(path)
    config_id = store.configs.create("shared", "bundle: {name: shared}\n").config_id
    sessions = [store.sessions.create(config_id).session_id for _ in range(processes)]
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(processes)]
    workers = [
        context.Process(target=append_many, args=(path, session_id, appends, pair[1]))
        for session_id, pair in zip(sessions, pairs, strict=True)
    ]
    for worker in workers:
        worker.start()
    for pair in pairs:
        pair[0].recv()
    begin = time.perf_counter()
    for pair in pairs:
        pair[0].send("go")
    times = sorted(taken for pair in pairs for taken in pair[0].recv())
    elapsed = time.perf_counter() - begin
    for worker in workers:
        worker.join()
    store.close()
    return {
        f"append: {processes} processes, median, ms": 1000 * statistics.median(times),
        f"append: {processes} processes, p99, ms": 1000 * times[int(len(times) * 0.99)],
        f"append: {processes} processes, slowest, ms": 1000 * times[-1],
        f"append: {processes} processes, messages/s": processes * appends / elapsed,
    }


def append_many(path: Path, session_id: str, appends: int, pipe: Connection) -> None:
    """Append in a process of its own and send the seconds that each took."""
    store = open_store(path)
    turn = f"turn of {session_id}"
    lease = store.sessions.begin_turn(session_id, turn, None, owner="bench", config_revision=1, model="none")
    pipe.send("ready")
    pipe.recv()
    times = []
    for number in range(appends):
        begin = time.perf_counter()
        store.sessions.append(lease, turn, [user(f"message {number} of some words that are typical of a chat")])
        times.append(time.perf_counter() - begin)
    pipe.send(times)
    store.close()


def fill_configs(store: SQLiteStore, count: int) -> None:
    """Store made-up configs in one transaction."""
    chance = random.Random(7)
    with store.database.write() as connection:
        for number in range(count):
            text = f"bundle:\n  name: {chance.choice(WORDS)}\nproviders:\n" + "".join(
                f"  - module: tool-{chance.choice(WORDS)}\n    config: {{{chance.choice(WORDS)}: {number}}}\n"
                for _ in range(4)
            )
            text += "# needle777\n" if number % 10_000 == 77 else ""
            moment, team = rows.later(number - count), chance.choice(["red", "green", "blue"])
            connection.execute(
                "INSERT INTO configs (config_id, name, description, yaml_content, created_at, updated_at, tags, "
                "content_hash, size, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    f"config-{number}", f"{chance.choice(WORDS)} {number}", None, text, moment, moment,
                    json.dumps({"team": team}), "", len(text), number + 1,
                ),
            )  # fmt: skip


def fill_sessions(store: SQLiteStore, count: int, messages: int) -> None:
    """Store made-up sessions with their messages in one transaction."""
    chance = random.Random(8)
    each = max(1, messages // count)
    with store.database.write() as connection:
        for number in range(count):
            moment, session_id = rows.later(number - count), f"session-{number}"
            connection.execute(
                "INSERT INTO sessions (session_id, config_id, status, created_at, updated_at, message_count, title, "
                "workspace) VALUES (?, ?, 'active', ?, ?, ?, ?, ?)",
                (
                    session_id, f"config-{number % 100}", moment, moment, each, f"about {chance.choice(WORDS)}",
                    f"/work/{number % 20}",
                ),
            )  # fmt: skip
            for seq in range(1, each + 1):
                words = " ".join(chance.choices(WORDS, k=40)) + (" needle777" if number % 1000 == 7 else "")
                connection.execute(
                    "INSERT INTO messages (session_id, seq, role, parts, created_at) VALUES (?, ?, ?, ?, ?)",
                    (session_id, seq, "user", json.dumps([{"type": "text", "text": words}]), moment),
                )
