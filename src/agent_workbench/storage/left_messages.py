"""Messages that one process leaves for a session whose turn another process runs.

They are rows of `events` until somebody takes them, which one process alone does: the owner of the turn when it is
over, or whoever takes over from an owner that died.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent_workbench.conversation import codec
from agent_workbench.conversation.messages import Message
from agent_workbench.storage import rows
from agent_workbench.storage.connection import Database

LEFT, TAKEN = "message_left", "message_taken"
WAITS = f"session_id = ? AND kind = '{LEFT}' AND ? IN (0, event_id)"
"""Says the kind itself: with a parameter in its place the index of these few rows would not be used."""


class SQLiteLeftMessages:
    """The part of the `SessionStore` that hands messages from process to process."""

    _db: Database

    def leave(self, session_id: str, message: Message) -> int:
        """Leave a message for the process that runs the session's turn; return its id, 0 where no living one does."""
        with self._db.write() as connection:
            sql = "SELECT expires_at FROM leases WHERE session_id = ? AND turn_id IS NOT NULL"
            row = connection.execute(sql, (session_id,)).fetchone()
            if row is None or not rows.is_held(row["expires_at"]):
                return 0
            data = codec.dumps({"message": codec.message_to_json(message)})
            sql = "INSERT INTO events (session_id, turn_id, kind, data, created_at) VALUES (?, '', ?, ?, ?)"
            return int(connection.execute(sql, (session_id, LEFT, data, rows.now())).lastrowid or 0)

    def left(self, session_id: str, *, only: int = 0) -> Sequence[Message]:
        """Return the messages that nobody took yet, in order, or one of them by its id."""
        sql = f"SELECT * FROM events WHERE {WAITS} ORDER BY event_id"
        with self._db.read() as connection:
            found = [rows.event(row) for row in connection.execute(sql, (session_id, only))]
        return [codec.message_from_json(event.data.get("message")) for event in found]

    def take_left(self, session_id: str, *, only: int = 0) -> Sequence[Message]:
        """Take the messages that were left, or one of them by its id; each is given to one taker alone."""
        if not self.left(session_id, only=only):  # most turns end so, and reading waits for nobody
            return []
        sql = f"UPDATE events SET kind = ? WHERE {WAITS} RETURNING *"
        with self._db.write() as connection:
            taken = [rows.event(row) for row in connection.execute(sql, (TAKEN, session_id, only)).fetchall()]
        taken.sort(key=lambda event: event.event_id)
        return [codec.message_from_json(event.data.get("message")) for event in taken]
