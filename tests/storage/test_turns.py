"""The life of a turn: lease, appends, partials, and what a dead process leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agent_workbench.conversation.messages import Message, Text, Thinking, ToolCall, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.errors import NotFound, SessionBusy
from agent_workbench.storage.database import SQLiteStore, open_store
from agent_workbench.storage.records import Config, Lease, Partial, Session
from agent_workbench.storage.turns import LEFT_BEHIND

REPLY = Message("assistant", (Text("done"),), "m", "end")
HALF = Message("assistant", (Thinking("hm"), Text("half a rep"), ToolCall("1", "bash", raw='{"comm')), "m")


def begin(store: SQLiteStore, session: Session, turn: str = "t1", lease_s: float = 30.0) -> Lease:
    return store.sessions.begin_turn(
        session.session_id, turn, user(f"do {turn}"), owner="me", config_revision=1, model="m", lease_s=lease_s
    )


def save(store: SQLiteStore, lease: Lease, turn: str, message: Message) -> None:
    """Save one partial, after all messages that there are."""
    after = len(store.sessions.messages(lease.session_id))
    assert store.sessions.save_partials([Partial(lease, turn, message, after)]) == []


def state(store: SQLiteStore, session: Session) -> str:
    found = store.sessions.get(session.session_id)
    assert found is not None
    assert store.sessions.list_sessions()[0][0] == found
    return found.state


def test_a_turn_from_its_message_to_its_end(store: SQLiteStore, session: Session) -> None:
    lease = begin(store, session)
    assert (lease.epoch, store.sessions.lease(session.session_id), state(store, session)) == (1, lease, "running")
    first = store.sessions.record(lease, "t1", "tool_started", {"name": "bash"})
    save(store, lease, "t1", Message("assistant", (Text("do"),)))
    save(store, lease, "t1", HALF)
    assert store.sessions.partial(session.session_id) == HALF
    assert store.sessions.append(lease, "t1", [REPLY, user("steered")]) == 3
    assert store.sessions.partial(session.session_id) is None
    second = store.sessions.record(lease, "t1", "notice", {})
    store.sessions.end_turn(lease, "t1", "completed", usage=Usage(10, 5, cost=Decimal("0.10")), steps=2)
    assert (state(store, session), store.sessions.lease(session.session_id)) == ("idle", None)
    assert [one.turn_id for one in store.sessions.messages(session.session_id)] == ["t1"] * 3
    (turn,) = store.sessions.turns(session.session_id)
    assert (turn.state, turn.steps, turn.usage, turn.config_revision, turn.model) == (
        "completed", 2, Usage(10, 5, cost=Decimal("0.10")), 1, "m",
    )  # fmt: skip
    assert turn.finished_at is not None
    assert turn.finished_at >= turn.started_at
    assert [(one.kind, one.data) for one in store.sessions.events(session.session_id)] == [
        ("tool_started", {"name": "bash"}), ("notice", {}),
    ]  # fmt: skip
    assert [one.event_id for one in store.sessions.events(session.session_id, after=first)] == [second]
    assert store.sessions.events(session.session_id, turn_id="other") == []


def test_one_turn_at_a_time_and_the_next_one_has_a_higher_epoch(store: SQLiteStore, session: Session) -> None:
    lease = begin(store, session)
    with pytest.raises(SessionBusy):
        begin(store, session, "t2")
    assert store.sessions.messages(session.session_id)[-1].message == user("do t1")
    store.sessions.end_turn(lease, "t1", "completed")
    assert begin(store, session, "t2").epoch == lease.epoch + 1
    with pytest.raises(NotFound):
        store.sessions.begin_turn("no", "t", None, owner="me", config_revision=1, model="")


def test_a_turn_may_begin_without_a_message(store: SQLiteStore, session: Session) -> None:
    store.sessions.begin_turn(session.session_id, "t", None, owner="me", config_revision=1, model="")
    assert store.sessions.messages(session.session_id) == []


def test_a_dead_turn_is_taken_over_and_its_words_are_kept(path: Path, store: SQLiteStore, session: Session) -> None:
    dead = begin(store, session, "dead", lease_s=0)
    save(store, dead, "dead", HALF)
    store.sessions.update(session.session_id, needs_you=True)
    seen = store.sessions.get(session.session_id)
    assert seen is not None
    assert (seen.state, seen.needs_you) == ("interrupted", False)
    assert store.sessions.partial(session.session_id) == HALF
    other = open_store(path)
    lease = begin(other, session, "next")
    other.close()
    assert lease.epoch == dead.epoch + 1
    said = [one.message for one in store.sessions.messages(session.session_id)]
    kept = Message("assistant", (Thinking("hm"), Text("half a rep")), "m", "interrupted")
    assert said == [user("do dead"), kept, user("do next")]
    assert [(turn.state, turn.error) for turn in store.sessions.turns(session.session_id)] == [
        ("failed", LEFT_BEHIND), ("running", ""),
    ]  # fmt: skip
    assert (state(store, session), store.sessions.partial(session.session_id)) == ("running", None)


def test_a_clock_that_was_set_back_does_not_keep_a_dead_turn_for_hours(store: SQLiteStore, session: Session) -> None:
    begin(store, session, "dead", lease_s=7200)
    assert state(store, session) == "interrupted"
    assert store.sessions.leave(session.session_id, user("more")) == 0
    assert begin(store, session, "next").epoch == 2


def test_a_clock_that_was_set_forward_lets_one_of_two_go_on(store: SQLiteStore, session: Session) -> None:
    owner = begin(store, session, "mine", lease_s=-7200)
    assert store.sessions.append(owner, "mine", [REPLY])
    other = begin(store, session, "theirs")
    with pytest.raises(SessionBusy):
        store.sessions.append(owner, "mine", [REPLY])
    assert store.sessions.append(other, "theirs", [REPLY])


def test_nothing_that_a_zombie_sends_is_written(store: SQLiteStore, session: Session) -> None:
    zombie = begin(store, session, "dead", lease_s=0)
    lease = begin(store, session, "next")
    calls = [
        lambda: store.sessions.append(zombie, "dead", [REPLY]),
        lambda: store.sessions.append(zombie, "next", [REPLY]),
        lambda: store.sessions.record(zombie, "dead", "x", {}),
        lambda: store.sessions.renew(zombie),
        lambda: store.sessions.end_turn(zombie, "dead", "completed"),
        lambda: store.sessions.append(lease, "dead", [REPLY]),
    ]
    for call in calls:
        with pytest.raises(SessionBusy):
            call()
    assert len(store.sessions.messages(session.session_id)) == 2
    assert store.sessions.append(lease, "next", [REPLY]) == 3


def test_partials_of_many_sessions_are_saved_at_once_and_each_is_refused_alone(
    store: SQLiteStore, config: Config, session: Session
) -> None:
    others = [store.sessions.create(config.config_id) for _ in range(3)]
    stale = begin(store, session, "dead", lease_s=0)
    begin(store, session, "next")
    held = [begin(store, one, f"t{number}") for number, one in enumerate(others)]
    surrogate = Message("assistant", (Thinking('"\\'), Text("a\ud800\x00 é 🎉\n")), "m", "interrupted")
    given = [
        Partial(stale, "dead", HALF, 2), Partial(held[0], "t0", surrogate, 1), Partial(held[1], "t1", REPLY, 0),
        Partial(held[2], "other", HALF, 1),
    ]  # fmt: skip
    assert store.sessions.save_partials(given) == ["dead", "other"]
    assert [store.sessions.partial(one.session_id) for one in (session, *others)] == [
        None, Message("assistant", (Thinking('"\\'), Text("a\ufffd\ufffd é 🎉\n")), "m", "interrupted"), None, None,
    ]  # fmt: skip
    assert store.sessions.save_partials([]) == []


def test_words_that_were_taken_before_their_reply_was_stored_are_not_saved_after_it(
    store: SQLiteStore, session: Session
) -> None:
    lease = begin(store, session)
    store.sessions.append(lease, "t1", [REPLY])
    assert store.sessions.save_partials([Partial(lease, "t1", HALF, 1)]) == []
    assert store.sessions.partial(session.session_id) is None


def test_a_late_owner_that_nobody_replaced_goes_on(store: SQLiteStore, session: Session) -> None:
    lease = begin(store, session, lease_s=0)
    assert store.sessions.append(lease, "t1", [REPLY]) == 2
    renewed = store.sessions.renew(lease)
    assert renewed.expires_at > datetime.now(UTC)
    assert state(store, session) == "running"
    with pytest.raises(SessionBusy):
        begin(store, session, "t2")


def test_after_the_end_the_lease_is_worth_nothing(store: SQLiteStore, session: Session) -> None:
    lease = begin(store, session)
    store.sessions.end_turn(lease, "t1", "completed")
    with pytest.raises(SessionBusy):
        store.sessions.append(lease, "t1", [REPLY])
    with pytest.raises(SessionBusy):
        store.sessions.renew(lease)


def test_a_deleted_session_ends_its_turn(store: SQLiteStore, session: Session) -> None:
    lease = begin(store, session)
    store.sessions.delete(session.session_id)
    with pytest.raises(SessionBusy):
        store.sessions.append(lease, "t1", [REPLY])


@pytest.mark.parametrize(("keep", "count"), [(True, 2), (False, 1)])
def test_a_cancelled_turn_keeps_its_partial_where_asked(
    store: SQLiteStore, session: Session, keep: bool, count: int
) -> None:
    lease = begin(store, session)
    save(store, lease, "t1", HALF)
    store.sessions.end_turn(lease, "t1", "cancelled", keep_partial=keep, error="stopped")
    found = store.sessions.get(session.session_id)
    assert found is not None
    assert found.message_count == count == len(store.sessions.messages(session.session_id))
    assert store.sessions.partial(session.session_id) is None
    assert store.sessions.turns(session.session_id)[0].error == "stopped"


def test_a_partial_without_words_leaves_no_empty_message(store: SQLiteStore, session: Session) -> None:
    lease = begin(store, session)
    save(store, lease, "t1", Message("assistant", (Text(""), ToolCall("1", "bash"))))
    store.sessions.end_turn(lease, "t1", "cancelled", keep_partial=True)
    assert len(store.sessions.messages(session.session_id)) == 1


def test_costs_add_up_as_decimals_and_unknown_is_not_nothing(
    store: SQLiteStore, config: Config, session: Session
) -> None:
    for number, cost in enumerate([None, Decimal("0.1"), Decimal("0.2"), None]):
        lease = begin(store, session, f"t{number}")
        store.sessions.end_turn(lease, f"t{number}", "completed", usage=Usage(1, None, cost=cost))
        found = store.sessions.get(session.session_id)
        assert found is not None
        assert found.cost == [None, Decimal("0.1"), Decimal("0.3"), Decimal("0.3")][number]
    assert store.sessions.usage(session_id=session.session_id) == Usage(4, None, cost=Decimal("0.3"))
    assert store.sessions.usage(config_id=config.config_id).cost == Decimal("0.3")
    assert store.sessions.usage() == store.sessions.usage(since=datetime.now(UTC) - timedelta(days=1))
    assert store.sessions.usage(since=datetime.now(UTC) + timedelta(days=1)) == Usage()
    assert store.sessions.usage(session_id="no") == Usage()


def test_odd_characters_reach_the_disk_as_something_harmless(store: SQLiteStore, session: Session) -> None:
    lease = begin(store, session)
    store.sessions.append(lease, "t1", [Message("assistant", (Text("a\0b\ud800"),))])
    store.sessions.record(lease, "t1", "output", {"x\0": float("nan"), "bytes": b"\xff"})
    store.sessions.end_turn(lease, "t1", "failed", error="\ud800")
    assert store.sessions.messages(session.session_id)[-1].message.text == "a\ufffdb\ufffd"
    assert store.sessions.events(session.session_id)[0].data == {"x\ufffd": "nan", "bytes": "b'\\xff'"}
