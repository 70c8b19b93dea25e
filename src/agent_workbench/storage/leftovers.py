"""What a dead process left in the middle of a turn: the words of its reply, the results of its tools, what it cost.

A tool is stored as started before it runs and as finished before anybody sees its result. So it is known of each call
whether it ran, and nothing is run a second time by itself.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable

from agent_workbench.conversation import codec
from agent_workbench.conversation.messages import Message, ToolCall, ToolResult
from agent_workbench.conversation.usage import Usage
from agent_workbench.storage import rows
from agent_workbench.storage.records import StoredEvent, Turn

REPLIED, STARTED, FINISHED = "reply", "tool_started", "tool_finished"
"""The kinds of the events that tell what a turn had done: a reply was stored with its usage, a call began, it ended."""

USED = (REPLIED, FINISHED, "retrying")
"""Those that say what was used; a request that failed and was sent again had its price too."""

UNKNOWN = (
    "The program ended while this ran, so its result is not known. "
    "It may or may not have had an effect: check before repeating it."
)
NOT_RUN = "Not run: the program ended before this call was started."


def partial(connection: sqlite3.Connection, session_id: str) -> Message | None:
    """Return the reply that was being streamed."""
    row = connection.execute("SELECT message FROM partials WHERE session_id = ?", (session_id,)).fetchone()
    return codec.message_from_json(codec.loads(row["message"])) if row else None


def messages(connection: sqlite3.Connection, session_id: str, turn_id: str) -> tuple[Message, ...]:
    """Return what must be appended so that a dead turn reads whole: its last words, or the results of its calls."""
    unfinished = partial(connection, session_id)
    words = rows.interrupted(unfinished) if unfinished else None
    last = _last(connection, session_id)
    results: tuple[Message, ...] = ()
    if last is not None and last.tool_calls:
        results = (Message("tool", tuple(_results(last.tool_calls, _events(connection, session_id, turn_id)))),)
    return (*results, *([words] if words else []))


def usage(connection: sqlite3.Connection, session_id: str, turn_id: str) -> tuple[Usage, int]:
    """Return what a turn's stored replies used, the agents that worked for it included, and how many there were."""
    total, steps = Usage(), 0
    told: Counter[str] = Counter()
    for event in _events(connection, session_id, turn_id):
        if event.kind in USED:  # a call that ran an agent of its own says what that used
            total += codec.usage_from_json(event.data.get("usage"))
            steps += event.kind == REPLIED
        if event.kind == FINISHED:
            told[_child(event)] += 1
    for child_id, turns in _child_turns(connection, session_id, turn_id).items():
        for turn in turns[told[child_id] :]:  # the calls of the others never came to say it
            total += turn.usage if turn.finished_at else usage(connection, child_id, turn.turn_id)[0]
    return total, steps


def _child_turns(connection: sqlite3.Connection, session_id: str, turn_id: str) -> dict[str, list[Turn]]:
    """Return the turns of agents that began to work for a session since a turn of it began, by their sessions."""
    sql = (
        "SELECT turns.* FROM turns JOIN sessions USING (session_id) WHERE parent_session_id = ? "
        "AND json_extract(sessions.settings, '$.depth') > 0 "
        "AND turns.started_at >= (SELECT started_at FROM turns WHERE turn_id = ?) ORDER BY turns.id"
    )
    found: dict[str, list[Turn]] = defaultdict(list)
    for row in connection.execute(sql, (session_id, turn_id)):
        found[row["session_id"]].append(rows.turn(row))
    return found


def _last(connection: sqlite3.Connection, session_id: str) -> Message | None:
    sql = "SELECT * FROM messages WHERE session_id = ? ORDER BY seq DESC LIMIT 1"
    row = connection.execute(sql, (session_id,)).fetchone()
    return rows.stored_message(row).message if row else None


def _events(connection: sqlite3.Connection, session_id: str, turn_id: str) -> list[StoredEvent]:
    sql = "SELECT * FROM events WHERE session_id = ? AND turn_id = ? ORDER BY event_id"
    return [rows.event(row) for row in connection.execute(sql, (session_id, turn_id))]


def _results(calls: Iterable[ToolCall], events: Iterable[StoredEvent]) -> Iterable[ToolResult]:
    """Yield a result for each call: its own, or one that says what is known. Two calls may share an id."""
    started: set[str] = set()
    finished: dict[str, list[ToolResult]] = defaultdict(list)
    for event in events:
        if event.kind == REPLIED:  # what came before belongs to the calls of earlier replies
            started.clear()
            finished.clear()
        elif event.kind == STARTED:
            started.add(_call_id(event))
        elif event.kind == FINISHED:
            result = codec.part_from_json(event.data.get("result"))
            if isinstance(result, ToolResult):
                finished[_call_id(event)].append(result)
    for call in calls:
        if finished[call.call_id]:
            yield finished[call.call_id].pop(0)
        else:
            yield ToolResult(call.call_id, UNKNOWN if call.call_id in started else NOT_RUN, is_error=True)


def _child(event: StoredEvent) -> str:
    """Return the session of the agent that a call ran, or nothing."""
    result = codec.part_from_json(event.data.get("result"))
    return str(result.details.get("session_id", "")) if isinstance(result, ToolResult) else ""


def _call_id(event: StoredEvent) -> str:
    call = codec.part_from_json(event.data.get("call"))
    return call.call_id if isinstance(call, ToolCall) else ""
