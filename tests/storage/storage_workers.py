"""What the storage tests run in processes of their own; importable there without pytest."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection
from pathlib import Path

from agent_workbench.conversation.messages import Message, Text, user
from agent_workbench.storage.database import open_store
from agent_workbench.storage.records import Partial


def append_many(path: Path, session_id: str, count: int, barrier: threading.Barrier) -> None:
    """Append to a session, one message for each transaction, together with the others."""
    store = open_store(path)
    lease = store.sessions.begin_turn(session_id, session_id, None, owner="x", config_revision=1, model="m")
    barrier.wait()
    for number in range(count):
        store.sessions.append(lease, session_id, [user(f"message {number}")])
    store.sessions.end_turn(lease, session_id, "completed")
    store.close()


def start_first(path: Path, name: str, barrier: threading.Barrier, pipe: Connection) -> None:
    """Open a file that is not there yet, at the same moment as the others, and store a config."""
    barrier.wait()
    store = open_store(path)
    store.configs.create(name, f"name: {name}")
    pipe.send(store.check()["integrity"])
    store.close()


def update_together(path: Path, config_id: str, name: str, barrier: threading.Barrier, pipe: Connection) -> None:
    """Save a config from the same revision as the others; send whether it was saved."""
    from agent_workbench.errors import RevisionConflict

    store = open_store(path)
    barrier.wait()
    try:
        store.configs.update(config_id, yaml_content=f"by: {name}", expected_revision=1)
        pipe.send("saved")
    except RevisionConflict as error:
        pipe.send(f"conflict with {error.actual}")
    store.close()


def begin_together(path: Path, session_id: str, name: str, barrier: threading.Barrier, pipe: Connection) -> None:
    """Begin a turn at the same moment as the others; send whether it began."""
    from agent_workbench.errors import SessionBusy

    store = open_store(path)
    barrier.wait()
    try:
        store.sessions.begin_turn(session_id, name, user(name), owner=name, config_revision=1, model="m")
        pipe.send("began")
    except SessionBusy:
        pipe.send("busy")
    store.close()


def write_everything(path: Path, name: str, barrier: threading.Barrier, pipe: Connection) -> None:
    """Call every kind of write in turn, together with the others; send what it came to."""
    store = open_store(path)
    config_id = store.configs.create(name, "a: 1\n").config_id
    barrier.wait()
    for number in range(15):
        turn = f"{name} {number}"
        session_id = store.sessions.create(config_id, title=turn, workspace="/w").session_id
        lease = store.sessions.begin_turn(session_id, turn, user("q"), owner=name, config_revision=1, model="m")
        store.sessions.save_partials([Partial(lease, turn, Message("assistant", (Text("half"),)), 1)])
        store.sessions.record(lease, turn, "tool_started", {})
        store.sessions.append(lease, turn, [Message("assistant", (Text("all of it"),))])
        store.sessions.end_turn(store.sessions.renew(lease), turn, "completed", steps=1)
        store.sessions.update(session_id, draft="d")
        store.sessions.note(session_id, "note", {})
        store.configs.update(config_id, yaml_content=f"a: {number}\n", expected_revision=None)
        store.configs.prune(config_id, keep=3)
        store.memory.put("w", "one key", turn)
        store.board.post("w", turn)
        store.shared_files.write("w", "one file", turn.encode())
        store.remember("one setting", turn)
        if number % 3 == 0:
            store.sessions.delete(session_id)
    pipe.send("ok")
    store.close()


def answer_when_told(path: Path, pipe: Connection) -> None:
    """Write something whenever told to, and say so; ends on `None`."""
    store = open_store(path)
    pipe.send("ready")
    while (value := pipe.recv()) is not None:
        store.remember("told", value)
        pipe.send("written")
    store.close()


def write_until_killed(path: Path, session_id: str, pipe: Connection) -> None:
    """Run turns without end and send each message's place and text once it is stored. Leases are over at once, so that
    the next process need not wait for the clock."""
    store = open_store(path)
    turn = len(store.sessions.turns(session_id))
    while True:
        turn += 1
        name = f"{session_id} {turn}"
        lease = store.sessions.begin_turn(
            session_id, name, user(f"question {turn}"), owner="w", config_revision=1, model="m", lease_s=0
        )
        found = store.sessions.get(session_id)
        seq = found.message_count if found else 0
        for step in range(3):
            half = Message("assistant", (Text(f"half {step}"),))
            store.sessions.save_partials([Partial(lease, name, half, seq)])
            store.sessions.record(lease, name, "tool_started", {"step": step})
            seq = store.sessions.append(lease, name, [Message("assistant", (Text(f"answer {turn} {step}"),))])
            pipe.send((seq, f"answer {turn} {step}"))
        store.sessions.end_turn(lease, name, "completed", steps=3)
