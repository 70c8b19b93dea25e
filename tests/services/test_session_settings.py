"""A session's own settings: checked, recorded, told, effective at the next step; and grants saved to the config."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from services_kit import calls, config_text, session_of, until

from agent_workbench.conversation.events import (
    Answer,
    ApprovalAnswered,
    ApprovalRequired,
    Notice,
    Question,
    ReplyFinished,
    TurnFinished,
)
from agent_workbench.conversation.messages import ToolCall
from agent_workbench.errors import NotFound, PermissionRuleError, RevisionConflict, UsageError
from agent_workbench.services.questions import Questions
from agent_workbench.services.settings import SessionSettings, merged
from agent_workbench.services.shared import SharedContext

WRITE = ("write_file", {"file_path": "b.txt", "content": "x"})
TWO = """\
# two of them
bundle: {name: two}
providers:
  - module: provider-mock
    id: small
    config: {responses: [one, two, three], delay: 0}
  - module: provider-mock
    id: large
    config: {responses: [uno, due, tre], delay: 0, default_model: mock-large}
tools:
  - module: tool-filesystem  # files
session:
  permissions:
    allow:
      - read_file(docs/**)  # these are public
"""


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"provider": "medium"}, "small, large"),
        ({"permission_mode": "yolo"}, "ask, fast-edit, read-only, plan"),
        ({"effort": "huge"}, "none, minimal, low"),
        ({"max_steps": -1}, "max_steps"),
        ({"max_cost": float("nan")}, "max_cost"),
    ],
)
async def test_what_means_nothing_is_refused_with_the_choices(bench: SharedContext, changes: Any, says: str):
    session_id = await session_of(bench, TWO)
    with pytest.raises(UsageError, match=says):
        await bench.sessions.change_settings(session_id, **changes)
    with pytest.raises(UsageError, match=says):
        await session_of(bench, TWO, settings=changes)
    assert await bench.sessions.effective(session_id) is not None
    with pytest.raises(NotFound):
        await bench.sessions.change_settings("none", model="m")


async def test_a_change_is_effective_recorded_and_told(bench: SharedContext):
    session_id = await session_of(bench, TWO)
    following = bench.sessions.follow(session_id)
    session = await bench.sessions.change_settings(
        session_id, provider="large", effort="low", fast_edit=True, max_steps=3, max_cost=0.5
    )
    assert session.settings == {
        "provider": "large", "effort": "low", "permission_mode": "fast-edit", "max_steps": 3, "max_cost": 0.5,
    }  # fmt: skip
    effective = await bench.sessions.effective(session_id)
    assert (effective.model_name, effective.model.effort, effective.permissions.mode) == (
        "mock-large", "low", "fast-edit",
    )  # fmt: skip
    assert (effective.limits.max_steps, effective.limits.max_cost, effective.revision) == (3, 0.5, 1)
    assert "write_file" in effective.tools.tools
    notice = await until(following, Notice)
    assert notice.data["settings"] == session.settings
    events = bench.store.sessions.events(session_id)
    assert [(event.kind, event.data) for event in events] == [("settings_changed", session.settings)]
    assert (await bench.sessions.send_message(session_id, "hi"))["response"] == "uno"
    await bench.sessions.change_settings(session_id, effort="low")
    assert len([one for one in bench.store.sessions.events(session_id) if one.kind == "settings_changed"]) == 1


async def test_nothing_given_goes_back_to_the_config_and_a_new_provider_brings_its_model(bench: SharedContext):
    session_id = await session_of(bench, TWO)
    await bench.sessions.change_settings(session_id, model="mock-x", max_steps=2, fast_edit=True)
    assert (await bench.sessions.effective(session_id)).model_name == "mock-x"
    await bench.sessions.change_settings(session_id, provider="large")
    assert (await bench.sessions.effective(session_id)).model_name == "mock-large"
    back = await bench.sessions.change_settings(session_id, provider="", max_steps=0, fast_edit=False)
    assert back.settings == {"permission_mode": "ask"}
    effective = await bench.sessions.effective(session_id)
    assert (effective.model_name, effective.limits.max_steps) == ("mock", 50)


async def test_a_change_counts_from_the_next_step_of_a_running_turn_and_a_stricter_mode_at_once(bench: SharedContext):
    session_id = await session_of(bench, config_text(calls(WRITE), calls(WRITE), "done"))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    asked = await until(following, ApprovalRequired)
    await bench.sessions.change_settings(session_id, permission_mode="read-only", model="mock-large")
    bench.sessions.answer(session_id, asked.question.id, Answer("allow"))
    reply = await until(following, ReplyFinished)
    assert reply.message.model == "mock-large"
    assert (await until(following, TurnFinished)).status == "completed"
    results = [r for one in await bench.sessions.messages(session_id) for r in one.message.tool_results]
    assert [result.is_error for result in results] == [True, True]
    assert all("read-only" in result.content for result in results), "what an answer allows is looked at once more"


@pytest.mark.parametrize(
    "stored",
    [
        {"max_steps": "many", "grants": "read_file", "model": 3, "provider": None},
        {"permission_mode": ["ask"], "depth": "deep", "unknown": 1},
    ],
)
def test_settings_of_another_shape_are_read_as_if_they_were_not_there(stored: dict[str, Any]):
    assert SessionSettings.of(stored) == SessionSettings()


def test_a_setting_that_is_kept_is_not_lost_by_another():
    assert merged({"agent": "x", "grants": ["a"]}, {"model": "m"}) == {"agent": "x", "grants": ["a"], "model": "m"}


async def test_a_grant_is_saved_to_the_config_only_when_its_edit_is_applied(bench: SharedContext):
    session_id = await session_of(bench, TWO)
    config, edit = await bench.sessions.propose_grant(session_id, ["write_file(b.txt)", "read_file(docs/**)"])
    assert config.yaml_content == TWO
    assert edit.new.strip() == "- write_file(b.txt)"
    stored = await bench.configs.get_config(config.config_id)
    assert stored is not None
    assert stored.revision == 1
    saved = await bench.sessions.apply_grant(config, edit)
    assert saved.yaml_content == TWO + "      - write_file(b.txt)\n"
    assert yaml.safe_load(saved.yaml_content)["session"]["permissions"]["allow"][1] == "write_file(b.txt)"
    with pytest.raises(RevisionConflict):
        await bench.sessions.apply_grant(config, edit)
    assert (await bench.sessions.propose_grant(session_id, ["write_file(b.txt)"]))[1].is_noop
    with pytest.raises(PermissionRuleError):
        await bench.sessions.propose_grant(session_id, ["not a rule ("])


async def test_always_counts_for_the_session_at_once_and_never_touches_the_config_by_itself(bench: SharedContext):
    session_id = await session_of(bench, config_text(calls(WRITE), "one", calls(WRITE), "two"))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    asked = await until(following, ApprovalRequired)
    bench.sessions.answer(session_id, asked.question.id, Answer("allow_always"))
    await until(following, TurnFinished)
    assert (await bench.sessions.send_message(session_id, "again"))["response"] == "two"
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    assert session.settings["grants"] == ["write_file(b.txt)"]
    config = await bench.configs.get_config(session.config_id)
    assert config is not None
    assert config.revision == 1


async def test_a_rule_that_is_saved_answers_what_waits_in_the_sessions_that_follow_its_config(bench: SharedContext):
    text = config_text(calls(WRITE), "done")
    first = await session_of(bench, text)
    session = await bench.sessions.get_session(first)
    assert session is not None
    config_id = session.config_id
    same, pinned = [(await bench.sessions.create_session(config_id)).session_id for _ in range(2)]
    await bench.sessions.update_session(pinned, pinned_revision=1)
    other = await session_of(bench, text.replace("name: c", "name: d"))
    following = {id: bench.sessions.follow(id) for id in (first, same, pinned, other)}
    for id, events in following.items():
        bench.sessions.start(id, "go")
        await until(events, ApprovalRequired)
    (question,) = bench.sessions.questions(first)
    await bench.sessions.apply_grant(*await bench.sessions.propose_grant(first, question.rules))
    for id in (first, same):
        answered = await until(following[id], ApprovalAnswered)
        assert answered.answer == Answer("allow", "allowed for all sessions of c now")
        await until(following[id], TurnFinished)
    for id in (pinned, other):
        assert len(bench.sessions.questions(id)) == 1
        await bench.sessions.cancel(id)


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        (Question(ToolCall("1", "bash"), "asks", rules=("bash(ls)",)), True),
        (Question(ToolCall("1", "bash"), "asks", rules=("bash(ls)", "bash(make)")), True),
        (Question(ToolCall("1", "bash"), "asks", rules=("bash(ls)", "bash(rm x)")), False),
        (Question(ToolCall("1", "bash"), "a rule asks", rules=()), False),
        (Question(ToolCall("1", "bash"), "three times", rules=("bash(ls)",), firm=True), False),
    ],
)
async def test_rules_answer_a_question_whose_every_part_they_cover(question: Question, answered: bool):
    questions = Questions()
    waiting = questions.expect(question)
    questions.cover(("bash(ls)", "bash(make)"), "allowed before")
    assert waiting.done() is answered
    assert (question in questions.waiting) is not answered


async def test_a_fork_keeps_the_settings_and_asks_again_unless_it_takes_the_place_of_its_session(bench: SharedContext):
    session_id = await session_of(bench, TWO)
    await bench.sessions.change_settings(session_id, provider="large")
    await bench.sessions.grant(session_id, ["write_file(b.txt)"])
    fork = await bench.sessions.fork_session(session_id)
    assert fork.settings == {"provider": "large"}
    instead = await bench.sessions.fork_session(session_id, grants=True)
    assert instead.settings == {"provider": "large", "grants": ["write_file(b.txt)"]}


async def test_a_changed_config_says_what_changed(bench: SharedContext):
    session_id = await session_of(bench, TWO)
    await bench.sessions.send_message(session_id, "hi")
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    text = TWO.replace("id: small\n    config: {", "id: small\n    config: {priority: 7, ")
    await bench.configs.update_config(session.config_id, yaml_content=text)
    following = bench.sessions.follow(session_id)
    await bench.sessions.send_message(session_id, "and?")
    notice = await until(following, Notice)
    assert "revision 1 → 2" in notice.text
    assert "providers[small].config.priority: 7" in notice.text


async def test_usage_is_known_by_turn_by_day_and_since(bench: SharedContext):
    reply = {"text": "x", "usage": {"input_tokens": 5, "output_tokens": 2}}
    session_id = await session_of(bench, config_text(reply, reply))
    await bench.sessions.send_message(session_id, "a")
    await bench.sessions.send_message(session_id, "b")
    turns = await bench.sessions.turns(session_id)
    assert [turn.usage.input_tokens for turn in turns] == [5, 5]
    days = await bench.sessions.usage_by_day(session_id=session_id)
    assert sum(day.turns for day in days) == 2
    assert sum(day.usage.input_tokens or 0 for day in days) == 10
    assert (await bench.sessions.usage(since=turns[1].started_at)).input_tokens == 5
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    assert (await bench.sessions.usage(config_id=session.config_id)).output_tokens == 4
    assert await bench.sessions.usage_by_day(config_id="none") == []
