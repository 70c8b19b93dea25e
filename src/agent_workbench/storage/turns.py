"""Turns in SQLite: the lease, and everything that is written while one runs.

A lease is a row with owner, expiry and an epoch that grows with every turn. Each write of a turn proves that its
epoch is still the row's in the same transaction, so what a process sends after it was taken for dead changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agent_workbench.conversation import codec
from agent_workbench.conversation.messages import Message
from agent_workbench.conversation.usage import Usage
from agent_workbench.errors import NotFound, SessionBusy
from agent_workbench.storage import leftovers, rows
from agent_workbench.storage.connection import Database
from agent_workbench.storage.left_messages import SQLiteLeftMessages
from agent_workbench.storage.records import DayUsage, Lease, Partial, StoredEvent, Turn, TurnState, UsageBy, UsedBy

LEFT_BEHIND = "The process that ran this turn ended before it was done."
"""The error of a turn whose lease ran out."""

_COUNTED_ABOVE = (
    "SELECT session_id FROM sessions WHERE parent_session_id IS NOT NULL AND json_extract(settings, '$.depth') > 0"
)
"""Sessions of agents that work for another session, whose turns count what they use."""

_KEYS: Mapping[UsageBy, str] = {
    "day": "substr(turns.started_at, 1, 10)",
    "config": "sessions.config_id",
    "session": "turns.session_id",
    "model": (
        "coalesce(nullif(turns.model, ''), (SELECT messages.model FROM messages WHERE messages.session_id = "
        "turns.session_id AND messages.turn_id = turns.turn_id AND messages.model <> '' LIMIT 1), '')"
    ),
}
"""What usage is summed by. A server's own first model is not known before it answered: that turn's reply names it."""


_PROVEN = (
    "FROM json_each(?) AS given JOIN leases ON leases.session_id = json_extract(given.value, '$[0]') "
    "AND leases.owner = json_extract(given.value, '$[1]') AND leases.epoch = json_extract(given.value, '$[2]') "
    "AND leases.turn_id = json_extract(given.value, '$[3]') "
)
"""Partials whose lease is held. One statement for all of them: with 200 sessions, one each would give up and take back
the interpreter's lock 600 times inside the transaction, each time behind everything that streams."""
_HELD = f"SELECT json_group_array(leases.turn_id) {_PROVEN}"
_SAVE_PARTIALS = (
    "INSERT INTO partials (session_id, turn_id, message, updated_at) "
    f"SELECT leases.session_id, leases.turn_id, json_extract(given.value, '$[5]'), ?1 {_PROVEN.replace('?', '?2')} "
    "JOIN sessions ON sessions.session_id = leases.session_id "
    "AND sessions.message_count = json_extract(given.value, '$[4]') WHERE 1 "
    "ON CONFLICT (session_id) DO UPDATE SET turn_id = excluded.turn_id, message = excluded.message, "
    "updated_at = excluded.updated_at"
)


class SQLiteTurns(SQLiteLeftMessages):
    """The part of the `SessionStore` that runs turns."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin_turn(
        self,
        session_id: str,
        turn_id: str,
        message: Message | None,
        *,
        owner: str,
        config_revision: int,
        model: str,
        lease_s: float = 30.0,
    ) -> Lease:
        """Take the lease, open the turn and store the person's message, in one transaction.

        Where a dead owner left a turn, that one is closed as failed with what its replies used; its partial reply is
        remembered as interrupted, and calls without a result get one that says what is known.

        Raises:
            NotFound: If there is no such session.
            SessionBusy: If a living owner holds the lease.
        """
        expires, moment = rows.later(lease_s), rows.now()
        with self._db.write() as connection:
            _require_session(connection, session_id)
            epoch = _free_lease(connection, session_id, moment) + 1
            connection.execute(
                "INSERT INTO leases (session_id, epoch, owner, turn_id, expires_at) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (session_id) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner, "
                "turn_id = excluded.turn_id, expires_at = excluded.expires_at",
                (session_id, epoch, owner, turn_id, expires),
            )
            connection.execute(
                "INSERT INTO turns (turn_id, session_id, state, config_revision, model, started_at) "
                "VALUES (?, ?, 'running', ?, ?, ?)",
                (turn_id, session_id, config_revision, model, moment),
            )
            add_messages(connection, session_id, turn_id, [] if message is None else [message], moment)
        return Lease(session_id, owner, epoch, rows.time_of(expires))

    def renew(self, lease: Lease, *, lease_s: float = 30.0) -> Lease:
        """Hold on to a lease (SessionBusy where it was taken over)."""
        expires = rows.later(lease_s)
        with self._db.write() as connection:
            _prove(connection, lease)
            connection.execute("UPDATE leases SET expires_at = ? WHERE session_id = ?", (expires, lease.session_id))
        return Lease(lease.session_id, lease.owner, lease.epoch, rows.time_of(expires))

    def append(
        self,
        lease: Lease,
        turn_id: str,
        messages: Sequence[Message],
        *,
        event: tuple[str, Mapping[str, Any]] | None = None,
    ) -> int:
        """Store messages, and an event of this kind and data with them; return the last `seq`. Clears the partial.

        Raises:
            SessionBusy: If the lease was taken over or given back.
        """
        with self._db.write() as connection:
            _prove(connection, lease, turn_id)
            connection.execute("DELETE FROM partials WHERE session_id = ?", (lease.session_id,))
            if event is not None:
                _add_event(connection, lease.session_id, turn_id, *event)
            return add_messages(connection, lease.session_id, turn_id, messages, rows.now())

    def record(
        self, lease: Lease, turn_id: str, kind: str, data: Mapping[str, Any], *, needs_you: bool | None = None
    ) -> int:
        """Store an event; return its id, which grows over all sessions. `needs_you` marks the session with it.

        Raises:
            SessionBusy: If the lease was taken over or given back.
        """
        with self._db.write() as connection:
            _prove(connection, lease, turn_id)
            if needs_you is not None:
                sql = "UPDATE sessions SET needs_you = ? WHERE session_id = ?"
                connection.execute(sql, (int(needs_you), lease.session_id))
            return _add_event(connection, lease.session_id, turn_id, kind, data)

    def note(self, session_id: str, kind: str, data: Mapping[str, Any]) -> int:
        """Store an event that belongs to no turn, such as a changed setting; return its id.

        Raises:
            NotFound: If there is no such session.
        """
        with self._db.write() as connection:
            _require_session(connection, session_id)
            return _add_event(connection, session_id, "", kind, data)

    def save_partials(self, partials: Sequence[Partial]) -> Sequence[str]:
        """Keep the replies being streamed in any number of sessions, each replacing the one before.

        Returns the turns whose lease is stale: theirs is not kept, and does not keep the others from it. One whose
        session has another message by now is passed over, because that message holds its words.
        """
        moment = rows.now()
        given = codec.dumps([
            [one.lease.session_id, one.lease.owner, one.lease.epoch, one.turn_id, one.after,
             codec.message_to_json(one.message)]
            for one in partials
        ])  # fmt: skip
        with self._db.write() as connection:
            held = json.loads(connection.execute(_HELD, (given,)).fetchone()[0])
            connection.execute(_SAVE_PARTIALS, (moment, given))
        return [one.turn_id for one in partials if one.turn_id not in held]

    def partial(self, session_id: str) -> Message | None:
        """Return the reply that was being streamed, where a turn runs or was left by a dead process."""
        with self._db.read() as connection:
            return leftovers.partial(connection, session_id)

    def end_turn(
        self,
        lease: Lease,
        turn_id: str,
        state: TurnState,
        *,
        usage: Usage = Usage(),
        steps: int = 0,
        error: str = "",
        keep_partial: bool = False,
        models: Mapping[str, Usage] = {},
    ) -> None:
        """Close the turn and give back the lease. `keep_partial` stores the partial as an interrupted reply.

        `models` is what each model used, as far as that is known; what is left of `usage` is the first one's.

        Raises:
            SessionBusy: If the lease was taken over or given back.
        """
        with self._db.write() as connection:
            _prove(connection, lease, turn_id)
            if keep_partial:
                _remember_partial(connection, lease.session_id, turn_id)
            _close_turn(connection, lease.session_id, turn_id, state, usage, steps, error, models)
            _give_back(connection, lease.session_id)

    def turns(self, session_id: str) -> Sequence[Turn]:
        """Return a session's turns in order."""
        with self._db.read() as connection:
            found = connection.execute("SELECT * FROM turns WHERE session_id = ? ORDER BY id", (session_id,))
            return [rows.turn(row) for row in found]

    def events(self, session_id: str, *, after: int = 0, turn_id: str = "", kind: str = "") -> Sequence[StoredEvent]:
        """Return events in order, those with `event_id > after`, where given only those of a turn or a kind."""
        sql = (
            "SELECT * FROM events WHERE session_id = ? AND event_id > ? AND ? IN ('', turn_id) AND ? IN ('', kind) "
            "ORDER BY event_id"
        )
        with self._db.read() as connection:
            return [rows.event(row) for row in connection.execute(sql, (session_id, after, turn_id, kind))]

    def lease(self, session_id: str) -> Lease | None:
        """Return the lease that is held now, living or expired."""
        sql = "SELECT * FROM leases WHERE session_id = ? AND turn_id IS NOT NULL"
        with self._db.read() as connection:
            row = connection.execute(sql, (session_id,)).fetchone()
            return rows.lease(row) if row else None

    def usage(self, *, session_id: str = "", config_id: str = "", since: datetime | None = None) -> Usage:
        """Sum what the turns used, those that started at `since` or later."""
        return sum((rows.usage(row) for row in self._used("''", session_id, config_id, since)), Usage())

    def usage_by_day(
        self, *, session_id: str = "", config_id: str = "", since: datetime | None = None
    ) -> Sequence[DayUsage]:
        """Sum what the turns used by the day (UTC) that they started on, oldest first; days without any are absent."""
        found = self.usage_by("day", session_id=session_id, config_id=config_id, since=since)
        return [DayUsage(date.fromisoformat(one.key), one.usage, one.turns) for one in found]

    def usage_by(
        self, what: UsageBy, *, session_id: str = "", config_id: str = "", since: datetime | None = None
    ) -> Sequence[UsedBy]:
        """Sum what the turns used by day, config, session or model, ordered by its key."""
        found: dict[str, UsedBy] = {}
        for row in self._used(_KEYS[what], session_id, config_id, since):
            for key, used in (_shares(row) if what == "model" else {row["key"]: rows.usage(row)}).items():
                one = found.get(key) or UsedBy(key, row[what] if what in ("config", "session") else key, Usage(), 0, 0)
                unpriced = one.unpriced + (row["steps"] > 0 and (used.unpriced > 0 or used.cost is None))
                found[key] = replace(one, usage=one.usage + used, turns=one.turns + 1, unpriced=unpriced)
        return [found[key] for key in sorted(found)]

    def _used(self, key: str, session_id: str, config_id: str, since: datetime | None) -> list[sqlite3.Row]:
        """Return what each turn used, that of agents working for it included, with the key that it is summed by."""
        terms, values = ["1"], []
        if session_id:
            terms.append("turns.session_id = ?")
            values.append(session_id)
        else:
            terms.append(f"turns.session_id NOT IN ({_COUNTED_ABOVE})")
        if config_id:
            terms.append("sessions.config_id = ?")
            values.append(config_id)
        if since is not None:
            terms.append("turns.started_at >= ?")
            values.append(rows.to_time(since))
        columns = ", ".join(f"turns.{name}" for name in rows.USAGE_COLUMNS)
        sql = (
            f"SELECT {key} AS key, sessions.title AS session, configs.name AS config, turns.steps, turns.models, "
            f"{columns} FROM turns JOIN sessions ON sessions.session_id = turns.session_id "
            "JOIN configs ON configs.config_id = sessions.config_id "
            f"WHERE {' AND '.join(terms)}"
        )
        with self._db.read() as connection:
            return connection.execute(sql, values).fetchall()


def _shares(row: sqlite3.Row) -> Mapping[str, Usage]:
    """Return what each model used in a turn; what is known of none of them is the first one's."""
    whole, stored = rows.usage(row), codec.loads(row["models"], {})
    shares = {model: codec.usage_from_json(used) for model, used in stored.items()} or {row["key"]: Usage()}
    first = next(iter(shares))
    return {**shares, first: shares[first] + (whole - sum(shares.values(), Usage()))}


def add_messages(
    connection: sqlite3.Connection, session_id: str, turn_id: str, messages: Sequence[Message], moment: str
) -> int:
    """Append messages inside a transaction; return the last `seq`."""
    sql = "SELECT message_count FROM sessions WHERE session_id = ?"
    seq = int(connection.execute(sql, (session_id,)).fetchone()[0])
    for message in messages:
        seq += 1
        connection.execute(
            "INSERT INTO messages (session_id, seq, turn_id, role, parts, model, stop_reason, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (session_id, seq, turn_id, *rows.message_values(message), moment),
        )
    sql = "UPDATE sessions SET message_count = ?, updated_at = ? WHERE session_id = ?"
    connection.execute(sql, (seq, moment, session_id))
    return seq


def _require_session(connection: sqlite3.Connection, session_id: str) -> None:
    if connection.execute("SELECT 1 FROM sessions WHERE session_id = ?", (session_id,)).fetchone() is None:
        raise NotFound(f"there is no session {session_id}")


def _prove(connection: sqlite3.Connection, lease: Lease, turn_id: str | None = None) -> None:
    """Raise `SessionBusy` unless the lease is the one that is held, for this turn."""
    row = connection.execute("SELECT * FROM leases WHERE session_id = ?", (lease.session_id,)).fetchone()
    held = row is not None and row["turn_id"] is not None and (row["epoch"], row["owner"]) == (lease.epoch, lease.owner)
    if not held or (turn_id is not None and row["turn_id"] != turn_id):
        raise SessionBusy(f"This turn of the session {lease.session_id} was ended or taken over by another process.")


def _free_lease(connection: sqlite3.Connection, session_id: str, moment: str) -> int:
    """Return the last epoch, after closing the turn of a dead owner; SessionBusy where the owner lives."""
    row = connection.execute("SELECT * FROM leases WHERE session_id = ?", (session_id,)).fetchone()
    if row is None:
        return 0
    if row["turn_id"] is not None:
        if rows.is_held(row["expires_at"]):
            raise SessionBusy(f"A turn is running in the session {session_id} ({row['owner']}).")
        dead = row["turn_id"]
        add_messages(connection, session_id, dead, leftovers.messages(connection, session_id, dead), moment)
        used, steps = leftovers.usage(connection, session_id, dead)
        _close_turn(connection, session_id, dead, "failed", used, steps, LEFT_BEHIND)
    return int(row["epoch"])


def _add_event(
    connection: sqlite3.Connection, session_id: str, turn_id: str, kind: str, data: Mapping[str, Any]
) -> int:
    sql = "INSERT INTO events (session_id, turn_id, kind, data, created_at) VALUES (?, ?, ?, ?, ?)"
    values = (session_id, turn_id, kind, codec.dumps(data), rows.now())
    return int(connection.execute(sql, values).lastrowid or 0)


def _remember_partial(connection: sqlite3.Connection, session_id: str, turn_id: str) -> None:
    partial = leftovers.partial(connection, session_id)
    reply = rows.interrupted(partial) if partial else None
    if reply is not None:
        add_messages(connection, session_id, turn_id, [reply], rows.now())


def _close_turn(
    connection: sqlite3.Connection,
    session_id: str,
    turn_id: str,
    state: TurnState,
    usage: Usage,
    steps: int,
    error: str,
    models: Mapping[str, Usage] = {},
) -> None:
    shares = codec.dumps({model: codec.usage_to_json(used) for model, used in models.items()})
    columns = ", ".join(f"{name} = ?" for name in rows.USAGE_COLUMNS)
    moment = rows.now()
    connection.execute(
        f"UPDATE turns SET state = ?, finished_at = ?, steps = ?, error = ?, {columns}, "
        "models = CASE WHEN json_array(model) = ? THEN '{}' ELSE ? END WHERE turn_id = ?",
        (state, moment, steps, error, *rows.usage_values(usage), codec.dumps(list(models)), shares, turn_id),
    )
    connection.execute("DELETE FROM partials WHERE session_id = ?", (session_id,))
    cost = _add_cost(connection, session_id, usage.cost)
    sql = "UPDATE sessions SET needs_you = 0, updated_at = ?, cost = ?, unpriced = unpriced + ? WHERE session_id = ?"
    connection.execute(sql, (moment, cost, usage.unpriced, session_id))


def _add_cost(connection: sqlite3.Connection, session_id: str, cost: Decimal | None) -> str | None:
    """Return the session's new cost, added as decimals: SQLite's own sums would be binary."""
    before = connection.execute("SELECT cost FROM sessions WHERE session_id = ?", (session_id,)).fetchone()[0]
    if cost is None:
        return None if before is None else str(before)
    return str(cost + Decimal(before or 0))


def _give_back(connection: sqlite3.Connection, session_id: str) -> None:
    sql = "UPDATE leases SET turn_id = NULL, owner = '', expires_at = ? WHERE session_id = ?"
    connection.execute(sql, (rows.now(), session_id))
