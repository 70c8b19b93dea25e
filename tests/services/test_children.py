"""Agents that work for agents: what they get, what they may, what they cost, and how they stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from agent_workbench import paths
from agent_workbench.conversation.events import (
    Answer,
    ApprovalRequired,
    Event,
    Question,
    ToolFinished,
    ToolOutput,
    TurnFinished,
)
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.ports import Nobody, ReplyItem
from agent_workbench.engine.providers.mock import MockProvider
from agent_workbench.errors import ProviderError
from agent_workbench.services.settings import SessionSettings
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Session

TEAM = """
providers:
  - module: provider-mock
    config: {{delay: 0, responses: {parent}}}
tools:
  - module: tool-filesystem
  - module: tool-bash
  - module: tool-delegate
    config: {settings}
session: {session}
agents:
  helper:
    description: Helps with files.
    instruction: You are the helper.
    tools: [{{module: tool-todo}}]
    providers:
      - module: provider-mock
        id: child
        config: {{delay: {delay}, responses: {child}}}
spawn: {spawn}
"""


def calls(*named: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in named]}


def errand(instruction: str = "look", **more: Any) -> tuple[str, dict[str, Any]]:
    return "delegate", {"agent": "helper", "instruction": instruction, **more}


async def team(
    bench: SharedContext,
    parent: list[Any],
    child: list[Any],
    *,
    settings: str = "{}",
    session: str = "{}",
    spawn: str = "{}",
    delay: float = 0,
) -> Session:
    text = TEAM.format(parent=parent, child=child, settings=settings, session=session, spawn=spawn, delay=delay)
    config = await bench.configs.create_config("team", text)
    return await bench.sessions.create_session(config.config_id)


async def played(bench: SharedContext, session: Session, frontend: Any = None) -> list[Event]:
    stream = bench.sessions.stream_message(session.session_id, "go", frontend=frontend)
    async with aclosing(stream) as events:
        return [event async for event in events]


def results(events: list[Event]) -> list[str]:
    return [event.result.content for event in events if isinstance(event, ToolFinished)]


async def children(bench: SharedContext, parent: Session) -> list[Session]:
    found, _ = await bench.sessions.list_sessions(100)
    return [one for one in found if one.parent_session_id == parent.session_id]


class Person:
    def __init__(self, *answers: Answer) -> None:
        self.answers, self.questions = list(answers), []

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        return self.answers.pop(0)


async def test_a_child_has_a_session_of_its_own_and_comes_back_with_its_last_words(bench: SharedContext) -> None:
    session = await team(bench, [calls(errand("count the files")), "The helper says three."], ["There are three."])
    events = await played(bench, session)
    (child,) = await children(bench, session)
    assert results(events) == [f"There are three.\n[session_id: {child.session_id}]"]
    assert "There are three." in "".join(event.text for event in events if isinstance(event, ToolOutput))
    said = await bench.sessions.messages(child.session_id)
    assert [one.message.text for one in said] == ["count the files", "There are three."]
    assert child.tags["agent"] == "helper"
    assert child.title == "helper: count the files"


async def test_with_a_session_go_its_children_and_not_its_forks(bench: SharedContext) -> None:
    session = await team(bench, [calls(errand("one"), errand("two")), "Done."], ["First.", "Second."])
    await played(bench, session)
    fork = await bench.sessions.fork_session(session.session_id)
    first, second = await bench.sessions.agents_of(session.session_id)
    kept = await bench.sessions.fork_session(first.session_id)
    assert await bench.sessions.delete_session(first.session_id)
    assert await bench.sessions.get_session(kept.session_id) is not None, "a person's fork of what an agent did"
    assert await bench.sessions.delete_session(session.session_id)
    assert await bench.sessions.get_session(second.session_id) is None
    assert await bench.sessions.get_session(fork.session_id) is not None


async def test_a_child_gets_the_inherited_tools_less_the_excluded_and_with_its_own(bench: SharedContext) -> None:
    spawn = "{exclude_tools: [tool-bash]}"
    session = await team(bench, [calls(errand()), "ok"], ["done"], spawn=spawn)
    await played(bench, session)
    (child,) = await children(bench, session)
    role = SessionSettings.of(child.settings).role
    agent, _ = await bench.agents.of(child.config_id, None, bench.workspace, role=role)
    assert set(agent.tools.tools) == {"read_file", "write_file", "edit_file", "todo"}
    assert agent.system == "You are the helper."


async def test_what_a_child_uses_counts_into_the_turn_of_its_parent(bench: SharedContext) -> None:
    child = [{"text": "done", "usage": {"input_tokens": 1000, "output_tokens": 10}}]
    parent = [{**calls(errand()), "usage": {"input_tokens": 5}}, {"text": "ok", "usage": {"input_tokens": 7}}]
    session = await team(bench, parent, child)
    events = await played(bench, session)
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert finished.usage.input_tokens == 1012
    (turn,) = await bench.sessions.turns(session.session_id)
    assert turn.usage.input_tokens == 1012
    assert (await bench.sessions.usage()).input_tokens == 1012


async def test_a_child_stops_before_a_request_that_its_parent_cannot_afford(bench: SharedContext) -> None:
    busy = {**calls(("todo", {"action": "list"})), "usage": {"input_tokens": 600}}
    limits = "{orchestrator: {module: loop-basic, config: {max_tokens: 1000}}}"
    session = await team(bench, [calls(errand()), "never said"], [busy, busy, busy, "done"], session=limits)
    events = await played(bench, session)
    (child,) = await children(bench, session)
    (turn,) = await bench.sessions.turns(child.session_id)
    assert turn.steps == 2
    assert "did not finish" in results(events)[0]
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert finished.status == "limited"


async def test_a_question_of_a_child_goes_to_its_parent_s_front_end_under_its_name(bench: SharedContext) -> None:
    write = calls(("write_file", {"file_path": "a.txt", "content": "hi"}))
    session = await team(bench, [calls(errand()), "ok"], [write, "written"])
    person = Person(Answer("allow"))
    events = await played(bench, session, person)
    (question,) = person.questions
    assert question.reason.startswith("helper: ")
    assert question in [event.question for event in events if isinstance(event, ApprovalRequired)]
    assert (bench.workspace / "a.txt").read_text() == "hi"


async def test_without_anybody_to_ask_a_child_is_denied_as_its_parent_would_be(bench: SharedContext) -> None:
    write = calls(("write_file", {"file_path": "a.txt", "content": "hi"}))
    session = await team(bench, [calls(errand()), "ok"], [write, "it was denied"])
    await played(bench, session, Nobody())
    assert not (bench.workspace / "a.txt").exists()


RULES = {
    "a rule of the config": ("{permissions: {deny: [write_file]}}", {}),
    "the mode of the session": ("{}", {"permission_mode": "read-only"}),
    "an agent cannot loosen": ("{permissions: {mode: plan}}", {}),
}


@pytest.mark.parametrize(("session", "settings"), RULES.values(), ids=RULES.keys())
async def test_what_binds_the_parent_binds_its_children(
    bench: SharedContext, session: str, settings: dict[str, Any]
) -> None:
    write = calls(("write_file", {"file_path": "a.txt", "content": "hi"}))
    made = await team(bench, [calls(errand()), "ok"], [write, "it was denied"], session=session)
    await bench.sessions.change_settings(made.session_id, **settings)
    person = Person(Answer("allow"))
    await played(bench, made, person)
    assert person.questions == []
    assert not (bench.workspace / "a.txt").exists()


async def test_a_mode_that_is_changed_meanwhile_holds_for_a_child_at_its_next_step(bench: SharedContext) -> None:
    writes = [calls(("write_file", {"file_path": name, "content": "hi"})) for name in ("a.txt", "b.txt")]
    session = await team(bench, [calls(errand()), "ok"], [*writes, "one of them"])

    class Tightens:
        asked = 0

        async def ask(self, question: Question) -> Answer:
            self.asked += 1
            await bench.sessions.change_settings(session.session_id, permission_mode="plan")
            return Answer("allow")

    person = Tightens()
    await played(bench, session, person)
    assert person.asked == 1
    assert [path.name for path in bench.workspace.iterdir()] == ["a.txt"]


async def test_what_a_person_allows_for_the_session_holds_for_the_next_child(bench: SharedContext) -> None:
    write = calls(("write_file", {"file_path": "a.txt", "content": "hi"}))
    session = await team(bench, [calls(errand("one"), errand("two")), "ok"], [write, "written"])
    bench.sessions.start(session.session_id, "go")
    asked = 0
    async for event in bench.sessions.follow(session.session_id):
        if isinstance(event, ApprovalRequired):
            asked += 1
            # not taken where the answer to the first has let the second through meanwhile
            bench.sessions.answer(session.session_id, event.question.id, Answer("allow_session"))
        if isinstance(event, TurnFinished):
            break
    assert asked in (1, 2)
    stored = await bench.sessions.get_session(session.session_id)
    assert stored is not None
    assert stored.settings["grants"] == ["write_file(a.txt)"]


async def test_children_run_at_once_and_stopping_the_parent_stops_them(bench: SharedContext) -> None:
    many = "word " * 500
    session = await team(bench, [calls(errand("one"), errand("two")), "ok"], [many], delay=0.05)
    seen: set[str] = set()
    stream = bench.sessions.stream_message(session.session_id, "go")
    async with aclosing(stream) as events:
        async for event in events:
            if isinstance(event, ToolOutput):
                seen.add(event.call_id)
            if len(seen) == 2:
                break
    both = await children(bench, session)
    states = [(await bench.sessions.turns(child.session_id))[0].state for child in both]
    assert states == ["cancelled", "cancelled"]
    assert not any(bench.sessions.is_running(child.session_id) for child in both)


async def test_what_a_child_had_used_when_its_parent_was_stopped_is_counted(bench: SharedContext) -> None:
    busy = {**calls(("todo", {"action": "list"})), "usage": {"input_tokens": 1000, "output_tokens": 10}}
    parent = [{**calls(errand()), "usage": {"input_tokens": 5}}]
    session = await team(bench, parent, [busy, {"text": "one two three", "delay": 30}])
    async with aclosing(bench.sessions.stream_message(session.session_id, "go")) as events:
        async for event in events:
            if isinstance(event, ToolOutput) and "one" in event.text:
                break
    (turn,) = await bench.sessions.turns(session.session_id)
    assert (turn.state, turn.usage.input_tokens, turn.usage.output_tokens) == ("cancelled", 1005, 10)
    assert (await bench.sessions.usage()).input_tokens == 1005


async def test_requests_of_a_child_that_failed_are_counted_too(bench: SharedContext, monkeypatch: Any) -> None:
    async def fails(self: Any, request: Any) -> AsyncIterator[ReplyItem]:
        error = ProviderError("down", kind="auth")
        error.usage = Usage(300)
        raise error
        yield

    session = await team(bench, [{**calls(errand()), "usage": {"input_tokens": 5}}, "ok"], [], delay=0.5)
    spoken = MockProvider.stream
    monkeypatch.setattr(MockProvider, "stream", lambda self, r: (fails if self.delay else spoken)(self, r))
    await played(bench, session)
    (turn,) = await bench.sessions.turns(session.session_id)
    assert turn.usage.input_tokens is not None
    assert turn.usage.input_tokens >= 305


async def test_a_child_is_gone_on_with_and_a_stranger_s_session_is_not(bench: SharedContext) -> None:
    session = await team(bench, [calls(errand("one")), "ok"], ["first", "second"])
    await played(bench, session)
    (child,) = await children(bench, session)
    again = await team(bench, [calls(errand("two", session_id=child.session_id)), "ok"], ["x"])
    events = await played(bench, again)
    assert "is none that this one started" in results(events)[0]
    gone_on = [calls(errand("one")), "ok", calls(errand("two", session_id=child.session_id)), "done"]
    text = TEAM.format(parent=gone_on, child=["first", "second"], settings="{}", session="{}", spawn="{}", delay=0)
    await bench.configs.update_config(session.config_id, yaml_content=text)
    assert "second" in results(await played(bench, session))[0]
    assert [one.session_id for one in await children(bench, session)] == [child.session_id]


async def test_agents_hand_on_only_as_deep_as_the_config_says(bench: SharedContext) -> None:
    deeper = "{max_depth: 2, settings: {exclude_tools: []}}"
    session = await team(bench, [calls(errand()), "ok"], [calls(errand("deeper")), "back"], settings=deeper)
    await played(bench, session)
    found, total = await bench.sessions.list_sessions(100)
    assert total == 3
    deepest = max(found, key=lambda one: one.settings.get("depth", 0))
    said = await bench.sessions.transcript(deepest.session_id)
    assert "2 deep" in str(said)


async def test_an_agent_that_is_not_there_is_an_answer_that_names_those_that_are(bench: SharedContext) -> None:
    session = await team(bench, [calls(("delegate", {"agent": "nobody", "instruction": "x"})), "ok"], [])
    assert "'helper', 'self'" in results(await played(bench, session))[0]


async def test_a_child_of_self_is_another_of_the_caller_that_cannot_hand_on(bench: SharedContext) -> None:
    ask = calls(("delegate", {"agent": "self", "instruction": "look"}))
    session = await team(bench, [ask, "ok"], [])
    await played(bench, session)
    (child,) = await children(bench, session)
    assert "There is no tool 'delegate'" in str(await bench.sessions.transcript(child.session_id))


async def test_a_child_that_fails_is_an_error_result_and_the_parent_goes_on(bench: SharedContext) -> None:
    session = await team(bench, [calls(errand()), "I will manage."], [{"fault": "auth"}])
    events = await played(bench, session)
    assert "helper did not finish (failed): the script says so: auth" in results(events)[0]
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].status == "completed"


async def test_the_sample_team_works_with_the_offline_provider(bench: SharedContext) -> None:
    text = (paths.shipped("sample_configs") / "team.yaml").read_text()
    head, _, tail = text.partition("providers:")
    _, _, tail = tail.partition("tools:")
    script = [calls(("delegate", {"agent": "reviewer", "instruction": "Review."})), "Reviewed."]
    mock = f"providers:\n  - module: provider-mock\n    config: {{delay: 0, responses: {script}}}\n\ntools:"
    config = await bench.configs.create_config("team", head + mock + tail)
    session = await bench.sessions.create_session(config.config_id)
    answer = await asyncio.wait_for(bench.sessions.send_message(session.session_id, "Review it"), 30)
    assert (answer["status"], answer["response"]) == ("completed", "Reviewed.")
    (child,) = await children(bench, session)
    assert child.tags["agent"] == "reviewer"
