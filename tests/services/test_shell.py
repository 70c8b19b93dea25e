"""A person's own command: the session's rules, its output in the conversation, no turn beside it."""

import sys
from pathlib import Path

import pytest

from agent_workbench.conversation.events import (
    Answer,
    ApprovalAnswered,
    ApprovalRequired,
    Event,
    Question,
    ToolOutput,
    TurnFinished,
)
from agent_workbench.conversation.messages import ToolResult
from agent_workbench.errors import SessionBusy, UsageError
from agent_workbench.services.shared import SharedContext, open_workbench
from agent_workbench.services.shell import command_in, report, run_command

sys.path.insert(0, str(Path(__file__).parent))

from services_kit import config_text, session_of, texts


class Person:
    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, list[Question]()

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        return self.answer


async def run(bench: SharedContext, id: str, command: str, answer: Answer = Answer("allow")) -> list[Event]:
    return [event async for event in run_command(bench, id, command, Person(answer))]


async def test_a_command_runs_by_the_sessions_rules_and_the_model_reads_its_output_next(tmp_path: Path):
    bench = open_workbench(tmp_path / "t.db", workspace=tmp_path, samples=False)
    try:
        id = await session_of(bench, config_text("I see", tools=("tool-bash",)))
        events = await run(bench, id, "echo one; echo two")
        assert any(isinstance(event, ApprovalRequired) for event in events)
        assert "".join(event.text for event in events if isinstance(event, ToolOutput)).split() == ["one", "two"]
        assert isinstance(events[-1], TurnFinished)
        said = [("user", "I ran a command myself:\n\n```\n$ echo one; echo two\none\ntwo\n```")]
        assert await texts(bench, id) == said
        await bench.sessions.send_message(id, "and now?")
        assert await texts(bench, id) == [*said, ("user", "and now?"), ("assistant", "I see")]
    finally:
        await bench.close()


@pytest.mark.parametrize("command", ["ls -la", "echo '```'", "printf '$ x'"])
def test_a_report_tells_which_command_it_is_of_and_other_words_tell_none(command: str):
    assert command_in(report(command, ToolResult("1", "some\n```\noutput"))) == command
    assert command_in(f"I ran {command}") == command_in("") == ""


async def test_a_refused_command_does_not_run(tmp_path: Path):
    bench = open_workbench(tmp_path / "t.db", workspace=tmp_path, samples=False)
    try:
        id = await session_of(bench, config_text("x", tools=("tool-bash",)))
        await run(bench, id, "touch made", Answer("deny", "not now"))
        assert not (tmp_path / "made").exists()
        assert "Denied: not now" in (await texts(bench, id))[0][1]
    finally:
        await bench.close()


async def test_what_is_allowed_for_the_session_is_not_asked_about_at_the_next_command(tmp_path: Path):
    bench = open_workbench(tmp_path / "t.db", workspace=tmp_path, samples=False)
    try:
        id = await session_of(bench, config_text("x", tools=("tool-bash",)))
        assert any(isinstance(one, ApprovalRequired) for one in await run(bench, id, "ls", Answer("allow_session")))
        assert not any(isinstance(one, ApprovalRequired) for one in await run(bench, id, "ls", Answer("deny")))
    finally:
        await bench.close()


async def test_what_is_allowed_for_the_config_meanwhile_lets_a_waiting_command_go_on(tmp_path: Path):
    bench = open_workbench(tmp_path / "t.db", workspace=tmp_path, samples=False)
    try:
        id = await session_of(bench, config_text("x", tools=("tool-bash",)))
        events: list[Event] = []
        async for event in run_command(bench, id, "ls"):
            events.append(event)
            if isinstance(event, ApprovalRequired):
                assert bench.sessions.questions(id) == (event.question,)
                config, edit = await bench.sessions.propose_grant(id, event.question.rules)
                await bench.sessions.apply_grant(config, edit)
        answered = next(event.answer for event in events if isinstance(event, ApprovalAnswered))
        assert (answered.decision, "allowed for all sessions" in answered.reason) == ("allow", True)
        assert "$ ls\n" in (await texts(bench, id))[0][1]
        assert bench.sessions.questions(id) == ()
    finally:
        await bench.close()


async def test_a_stopped_command_says_nothing_and_frees_the_session(tmp_path: Path):
    bench = open_workbench(tmp_path / "t.db", workspace=tmp_path, samples=False)
    try:
        id = await session_of(bench, config_text("x", tools=("tool-bash",)))
        events = run_command(bench, id, "sleep 30", Person(Answer("allow")))
        await anext(events)
        with pytest.raises(SessionBusy):
            await run(bench, id, "echo second")
        await events.aclose()
        assert await texts(bench, id) == []
        assert isinstance((await run(bench, id, "echo again"))[-1], TurnFinished)
    finally:
        await bench.close()


@pytest.mark.parametrize(
    ("tools", "command", "words"),
    [(("tool-todo",), "ls", "add tool-bash"), (("tool-bash",), "  ", "no command")],
)
async def test_what_cannot_run_is_said(tmp_path: Path, tools: tuple[str, ...], command: str, words: str):
    bench = open_workbench(tmp_path / "t.db", workspace=tmp_path, samples=False)
    try:
        id = await session_of(bench, config_text("x", tools=tools))
        with pytest.raises(UsageError, match=words):
            await run(bench, id, command)
    finally:
        await bench.close()


def test_output_with_backticks_stays_inside_its_fence():
    assert report("cat x.md", ToolResult("1", "a\n```\nb")).count("````") == 2
