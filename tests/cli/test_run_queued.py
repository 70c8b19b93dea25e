"""A prompt for a session in which another program runs a turn: refused, or said when that turn is over."""

from __future__ import annotations

from cli_kit import Awb

from agent_workbench.conversation.messages import user
from agent_workbench.paths import database_path
from agent_workbench.storage.database import open_store


def occupied(session_id: str, *, seconds: float) -> None:
    """Run a turn in a session as another program that dies: its lease holds for some seconds."""
    store = open_store(database_path())
    store.sessions.begin_turn(
        session_id, "elsewhere", user("theirs"), owner="other", config_revision=1, model="m", lease_s=seconds
    )
    store.close()


def test_a_busy_session_is_a_conflict_that_names_the_way_out(awb: Awb) -> None:
    session = str(awb("run", "hello", "--json").json["session_id"])
    occupied(session, seconds=60)
    refused = awb("run", "-s", session, "mine", code=5)
    assert "A turn is running" in refused.err
    assert "--queue waits for its end." in refused.err


def test_a_queued_prompt_is_sent_when_the_other_turn_is_over(awb: Awb) -> None:
    session = str(awb("run", "hello", "--json").json["session_id"])
    occupied(session, seconds=0.7)
    answer = awb("run", "-s", session, "--queue", "my name is Ada")
    assert "Ada" in answer.out
    assert answer.err.count("the prompt is sent when it is over") == 1
    said = [one["parts"][0]["text"] for one in awb("session", "show", session, "--json").json["messages"]]
    assert said.index("theirs") < said.index("my name is Ada")
