"""Which texts from elsewhere a person trusts, in SQLite: by content, so that what changes is another text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from agent_workbench.storage import rows
from agent_workbench.storage.connection import Database
from agent_workbench.storage.records import Standing

#: What a person has saved already is theirs: a text that comes in from outside and reads the same is no news.
_UNKNOWN = "NOT EXISTS (SELECT 1 FROM config_revisions WHERE content_hash = :digest)"


def came(connection: sqlite3.Connection, digest: str, source: str) -> None:
    """Note that a text came from outside, unless it is noted or was saved as a revision before."""
    sql = (
        "INSERT INTO trust (digest, state, source, updated_at) "
        f"SELECT :digest, 'outside', :source, :now WHERE {_UNKNOWN} ON CONFLICT (digest) DO NOTHING"
    )
    connection.execute(sql, {"digest": digest, "source": source, "now": rows.now()})


def follow(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Let a text that was written over another stand as that one does (exceptions as `came`)."""
    sql = (
        "INSERT INTO trust (digest, state, source, updated_at) "
        f"SELECT :digest, state, source, :now FROM trust WHERE trust.digest = :old AND {_UNKNOWN} "
        "ON CONFLICT (digest) DO NOTHING"
    )
    connection.execute(sql, {"digest": new, "old": old, "now": rows.now()})


class SQLiteTrust:
    """The `TrustStore` of one file."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def standing(self, digests: Iterable[str]) -> Mapping[str, Standing]:
        """Return what is known of some texts, by digest; one that nobody noted is not in it."""
        wanted = list(dict.fromkeys(digests))
        sql = f"SELECT * FROM trust WHERE digest IN ({', '.join('?' * len(wanted))})"
        with self._db.read() as connection:
            return {row["digest"]: _standing(row) for row in connection.execute(sql, wanted)}

    def trust(self, texts: Sequence[Standing]) -> None:
        """Trust some texts from now on, all or none."""
        sql = (
            "INSERT INTO trust (digest, state, source, place, text, updated_at) VALUES (?, 'trusted', ?, ?, ?, ?) "
            "ON CONFLICT (digest) DO UPDATE SET state = 'trusted', source = excluded.source, place = excluded.place, "
            "text = excluded.text, updated_at = excluded.updated_at"
        )
        with self._db.write() as connection:
            moment = rows.now()
            connection.executemany(sql, [(one.digest, one.source, one.place, one.text, moment) for one in texts])

    def revoke(self, digests: Iterable[str]) -> int:
        """Trust some texts no longer; return how many were trusted."""
        sql = "UPDATE trust SET state = 'outside', updated_at = ? WHERE digest = ? AND state = 'trusted'"
        with self._db.write() as connection:
            return sum(connection.execute(sql, (rows.now(), digest)).rowcount for digest in dict.fromkeys(digests))

    def trusted_at(self, place: str) -> Standing | None:
        """Return the text of a place that was trusted last, or None."""
        sql = "SELECT * FROM trust WHERE place = ? AND state = 'trusted' ORDER BY updated_at DESC LIMIT 1"
        with self._db.read() as connection:
            row = connection.execute(sql, (place,)).fetchone()
            return _standing(row) if row else None


def _standing(row: sqlite3.Row) -> Standing:
    return Standing(row["digest"], row["state"], row["source"], row["place"], row["text"])
