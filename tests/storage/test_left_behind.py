"""What a dead process leaves is settled by the next; what one leaves for another is taken once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agent_workbench.conversation.codec import event_to_json
from agent_workbench.conversation.events import ReplyFinished, ToolFinished, ToolStarted
from agent_workbench.conversation.messages import Message, Text, ToolCall, ToolResult, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.errors import NotFound, SessionBusy
from agent_workbench.storage.database import SQLiteStore, open_store
from agent_workbench.storage.left_messages import WAITS
from agent_workbench.storage.leftovers import NOT_RUN, UNKNOWN
from agent_workbench.storage.records import Lease, NewConfig, Session

ONE, TWO = ToolCall("1", "read_file"), ToolCall("2", "bash")
AGAIN = ToolCall("1", "bash")


def dead_turn(store: SQLiteStore, session: Session, turn: str = "dead") -> Lease:
    """Begin a turn whose process is gone at once."""
    return store.sessions.begin_turn(
        session.session_id, turn, user("go"), owner="d", config_revision=1, model="m", lease_s=-1
    )


def replied(store: SQLiteStore, lease: Lease, *parts: Text | ToolCall, usage: Usage = Usage(1, 1)) -> None:
    reply = ReplyFinished(Message("assistant", parts, "m"), usage)
    kept = {key: value for key, value in event_to_json(reply).items() if key != "message"}
    store.sessions.append(lease, "dead", [reply.message], event=("reply", kept))


def noted(store: SQLiteStore, lease: Lease, *events: ToolStarted | ToolFinished) -> None:
    for event in events:
        data = event_to_json(event)
        store.sessions.record(lease, "dead", data["type"], data)


def taken_over(store: SQLiteStore, session: Session) -> list[Message]:
    """Let another process begin a turn; return what was said before it."""
    lease = store.sessions.begin_turn(session.session_id, "next", user("next"), owner="n", config_revision=1, model="m")
    store.sessions.end_turn(lease, "next", "completed")
    return [one.message for one in store.sessions.messages(session.session_id)][:-1]


def results(store: SQLiteStore, session: Session) -> list[str]:
    last = taken_over(store, session)[-1]
    return [result.content for result in last.tool_results]


def test_a_call_without_a_trace_was_not_run(store: SQLiteStore, session: Session) -> None:
    replied(store, dead_turn(store, session), ONE, TWO)
    assert results(store, session) == [NOT_RUN, NOT_RUN]


def test_a_call_that_was_started_is_not_known_and_one_that_ended_has_its_result(
    store: SQLiteStore, session: Session
) -> None:
    lease = dead_turn(store, session)
    replied(store, lease, ONE, TWO)
    noted(store, lease, ToolStarted(ONE), ToolStarted(TWO), ToolFinished(TWO, ToolResult("2", "made")))
    assert results(store, session) == [UNKNOWN, "made"]


def test_what_an_earlier_reply_called_by_the_same_id_says_nothing_of_this_one(
    store: SQLiteStore, session: Session
) -> None:
    lease = dead_turn(store, session)
    replied(store, lease, ONE)
    noted(store, lease, ToolStarted(ONE), ToolFinished(ONE, ToolResult("1", "old")))
    store.sessions.append(lease, "dead", [Message("tool", (ToolResult("1", "old"),))])
    replied(store, lease, AGAIN)
    assert results(store, session) == [NOT_RUN]


def test_what_an_agent_had_used_for_a_dead_turn_is_counted_once(store: SQLiteStore, session: Session) -> None:
    lease = dead_turn(store, session)
    replied(store, lease, ONE, TWO, usage=Usage(1))

    def child(turn: str, state: str, used: Usage) -> str:
        made = store.sessions.create(session.config_id, parent_session_id=session.session_id, settings={"depth": 1})
        begun = store.sessions.begin_turn(
            made.session_id, turn, user("go"), owner="d", config_revision=1, model="m", lease_s=-1
        )
        if state:
            store.sessions.end_turn(begun, turn, "completed", usage=used)
        else:
            reply = ReplyFinished(Message("assistant", (Text("so far"),), "m"), used)
            kept = {key: value for key, value in event_to_json(reply).items() if key != "message"}
            store.sessions.append(begun, turn, [reply.message], event=("reply", kept))
        return made.session_id

    told = child("told", "completed", Usage(10))
    child("untold", "completed", Usage(100))
    child("dead too", "", Usage(1000))
    result = ToolResult("1", "done", details={"session_id": told})
    noted(store, lease, ToolFinished(ONE, result, usage=Usage(10)))
    taken_over(store, session)
    assert store.sessions.usage().input_tokens == 1111


def test_two_calls_of_one_id_each_have_a_result(store: SQLiteStore, session: Session) -> None:
    lease = dead_turn(store, session)
    replied(store, lease, ONE, AGAIN)
    noted(store, lease, ToolFinished(AGAIN, ToolResult("1", "refused", is_error=True)), ToolStarted(ONE))
    assert results(store, session) == ["refused", UNKNOWN]


def test_a_whole_turn_gets_nothing_added(store: SQLiteStore, session: Session) -> None:
    replied(store, dead_turn(store, session), Text("all said"))
    assert [message.text for message in taken_over(store, session)] == ["go", "all said"]


def test_what_a_dead_turn_used_is_counted_with_the_agents_that_worked_for_it(
    store: SQLiteStore, session: Session
) -> None:
    lease = dead_turn(store, session)
    replied(store, lease, ONE, usage=Usage(10, 5, cost=Decimal("0.1")))
    done = ToolFinished(ONE, ToolResult("1", "x"), usage=Usage(100, cost=Decimal("0.2")))
    noted(store, lease, done)
    taken_over(store, session)
    turn = store.sessions.turns(session.session_id)[0]
    assert (turn.usage, turn.steps) == (Usage(110, 5, cost=Decimal("0.3")), 1)
    found = store.sessions.get(session.session_id)
    assert found is not None
    assert found.cost == Decimal("0.3")


def test_a_message_is_left_only_for_a_living_owner_and_taken_once(
    path: Path, store: SQLiteStore, session: Session
) -> None:
    other = open_store(path)
    id = session.session_id
    assert other.sessions.leave(id, user("nobody is here")) == 0
    dead_turn(store, session)
    assert other.sessions.leave(id, user("it is dead")) == 0
    lease = store.sessions.begin_turn(id, "t", user("x"), owner="o", config_revision=1, model="m")
    first = other.sessions.leave(id, user("one"))
    second = other.sessions.leave(id, user("two"))
    third = other.sessions.leave(id, user("three"))
    assert 0 < first < second < third
    assert other.sessions.take_left(id, only=second) == [user("two")]
    assert other.sessions.take_left(id, only=second) == []
    assert list(store.sessions.left(id)) == [user("one"), user("three")]
    assert list(store.sessions.left(id, only=third)) == [user("three")]
    store.sessions.end_turn(lease, "t", "completed")
    assert store.sessions.take_left(id) == [user("one"), user("three")]
    assert store.sessions.take_left(id) == []
    other.close()


def test_an_event_needs_no_turn_but_a_session(store: SQLiteStore, session: Session) -> None:
    place = store.sessions.note(session.session_id, "settings_changed", {"model": "m"})
    (event,) = store.sessions.events(session.session_id)
    assert (event.event_id, event.turn_id, event.data) == (place, "", {"model": "m"})
    with pytest.raises(NotFound):
        store.sessions.note("none", "x", {})


def test_a_question_marks_the_session_in_the_same_write(store: SQLiteStore, session: Session) -> None:
    lease = store.sessions.begin_turn(session.session_id, "t", None, owner="o", config_revision=1, model="m")
    for waits in (True, False):
        store.sessions.record(lease, "t", "x", {}, needs_you=waits)
        found = store.sessions.get(session.session_id)
        assert found is not None
        assert found.needs_you == waits
    store.sessions.end_turn(lease, "t", "completed")
    with pytest.raises(SessionBusy):
        store.sessions.record(lease, "t", "x", {}, needs_you=True)
    found = store.sessions.get(session.session_id)
    assert found is not None
    assert not found.needs_you


def test_two_changes_of_settings_keep_each_other(store: SQLiteStore, session: Session) -> None:
    id = session.session_id
    store.sessions.change_settings(id, lambda stored: {**stored, "model": "m"})
    before, after = store.sessions.change_settings(id, lambda stored: {**stored, "effort": "low"})
    assert (before.settings, after.settings) == ({"model": "m"}, {"model": "m", "effort": "low"})
    same, again = store.sessions.change_settings(id, lambda stored: dict(stored))
    assert same == again == after
    with pytest.raises(NotFound):
        store.sessions.change_settings("none", lambda stored: stored)


def test_use_is_summed_by_day(store: SQLiteStore, session: Session) -> None:
    for number in range(3):
        lease = store.sessions.begin_turn(
            session.session_id, f"t{number}", None, owner="o", config_revision=1, model="m"
        )
        store.sessions.end_turn(lease, f"t{number}", "completed", usage=Usage(number, cost=Decimal("0.1")))
    days = store.sessions.usage_by_day(session_id=session.session_id)
    assert sum(day.turns for day in days) == 3
    assert sum((day.usage for day in days), Usage()) == Usage(3, cost=Decimal("0.3"))
    assert all(abs(day.day - datetime.now(UTC).date()) <= timedelta(days=1) for day in days)
    assert store.sessions.usage_by_day(since=datetime.now(UTC) + timedelta(days=1)) == []


def test_use_is_summed_by_what_was_asked_for_and_turns_without_a_price_are_counted(
    store: SQLiteStore, session: Session
) -> None:
    used = [("t1", "dear", Usage(5, 2, cost=Decimal("0.1"))), ("t2", "own", Usage(7, 3)), ("t3", "own", Usage())]
    for steps, (turn, model, usage) in zip((1, 1, 0), used, strict=True):
        lease = store.sessions.begin_turn(session.session_id, turn, None, owner="o", config_revision=1, model=model)
        store.sessions.end_turn(lease, turn, "completed", usage=usage, steps=steps)
    by_model = [(one.key, one.usage, one.turns, one.unpriced) for one in store.sessions.usage_by("model")]
    assert by_model == [("dear", used[0][2], 1, 0), ("own", used[1][2], 2, 1)]
    (by_config,) = store.sessions.usage_by("config", config_id=session.config_id)
    assert (by_config.key, by_config.turns, by_config.unpriced) == (session.config_id, 3, 1)
    (by_session,) = store.sessions.usage_by("session", session_id=session.session_id)
    assert (by_session.key, by_session.name) == (session.session_id, session.title)
    assert store.sessions.usage_by("session", config_id="none") == []


def test_use_of_a_model_that_was_not_known_before_it_answered_counts_for_it(
    store: SQLiteStore, session: Session
) -> None:
    lease = store.sessions.begin_turn(session.session_id, "t", user("hi"), owner="o", config_revision=1, model="")
    store.sessions.append(lease, "t", [Message("assistant", (Text("hello"),), "first-listed", "end")])
    store.sessions.end_turn(lease, "t", "completed", usage=Usage(3), steps=1)
    assert [one.key for one in store.sessions.usage_by("model")] == ["first-listed"]


def test_a_config_is_introduced_once(path: Path, store: SQLiteStore) -> None:
    other = open_store(path)
    a, b, c = (NewConfig(name, f"bundle: {{name: {name}}}") for name in "abc")
    assert store.introduce("seen", [a, b]) == 2
    assert other.introduce("seen", [b, c]) == 1
    assert other.introduce("seen", [a, b, c]) == 0
    assert store.setting("seen") == ["a", "b", "c"]
    other.close()


def test_configs_are_introduced_together_or_not_at_all(store: SQLiteStore) -> None:
    no_text = NewConfig("a", None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.introduce("seen", [no_text, NewConfig("b", "bundle: {name: b}")])
    assert store.setting("seen") is None
    assert store.configs.find("b") == []


def test_asking_for_what_was_left_reads_no_other_event(store: SQLiteStore) -> None:
    with store.database.read() as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM events WHERE {WAITS}", ("s", 0)).fetchall()
    assert ["events_left" in row["detail"] for row in plan] == [True]


def test_a_turn_that_several_models_answered_counts_for_each_and_what_is_left_for_the_first(
    store: SQLiteStore, session: Session
) -> None:
    lease = store.sessions.begin_turn(session.session_id, "t", None, owner="o", config_revision=1, model="dear")
    shares = {"dear": Usage(5, cost=Decimal("0.1")), "own": Usage(7, unpriced=1)}
    whole = Usage(14, cost=Decimal("0.15"), unpriced=1)  # a request that brought no reply is in no share
    store.sessions.end_turn(lease, "t", "completed", usage=whole, steps=2, models=shares)
    by_model = {one.key: (one.usage, one.turns, one.unpriced) for one in store.sessions.usage_by("model")}
    assert by_model["dear"] == (Usage(7, cost=Decimal("0.15")), 1, 0)
    assert by_model["own"] == (Usage(7, unpriced=1), 1, 1)
    (by_session,) = store.sessions.usage_by("session")
    assert (by_session.usage, by_session.turns, by_session.unpriced) == (whole, 1, 1)
    stored = store.sessions.get(session.session_id)
    assert stored is not None
    assert (stored.cost, stored.unpriced) == (Decimal("0.15"), 1)
    (turn,) = store.sessions.turns(session.session_id)
    assert turn.usage == whole
