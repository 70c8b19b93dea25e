"""A yes counts for what was shown, while it is what would run: files, rules and modes that change in between."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent_workbench.conversation.events import Answer, Question, ToolFinished
from agent_workbench.engine.permissions import PermissionManager, parse_rule
from agent_workbench.engine.ports import HookAnswer, Intent, MountContext, Tool
from agent_workbench.engine.session_config import SessionConfig
from agent_workbench.engine.tools.bash import BashConfig
from agent_workbench.engine.tools.bash import create as bash_tools
from agent_workbench.engine.tools.filesystem import FilesystemConfig
from agent_workbench.engine.tools.filesystem import create as file_tools
from engine.engine_kit import Echo, Person, calling, of, played, scripted, session

YES = Answer("allow")


class Meanwhile:
    """A person who does something before each answer."""

    def __init__(self, *deeds: Callable[[], object], answer: Answer = YES) -> None:
        self.deeds, self.answer, self.questions = list(deeds), answer, list[Question]()

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        self.deeds.pop(0)()
        return self.answer


def files(workspace: Path) -> tuple[Tool, ...]:
    return file_tools(FilesystemConfig(), MountContext({}, workspace))


def results(events: list[object]) -> list[str]:
    return [event.result.content for event in of(events, ToolFinished)]  # type: ignore[arg-type]


async def test_a_file_that_changes_while_its_diff_is_read_is_not_written_over(tmp_path):
    (tmp_path / "a").write_text("before\n")
    model = scripted(calling(("write_file", {"file_path": "a", "content": "new\n"})), "done")
    person = Meanwhile(lambda: (tmp_path / "a").write_text("an hour of work\n"))
    events = await played(session(model, *files(tmp_path), workspace=tmp_path), "go", person)
    assert "has changed since it was approved" in results(events)[0]
    assert (tmp_path / "a").read_text() == "an hour of work\n"


async def test_a_file_that_changes_while_the_next_question_waits_is_not_written_over(tmp_path):
    (tmp_path / "a").write_text("before\n")
    calls = [("write_file", {"file_path": name, "content": "new\n"}) for name in "ab"]
    person = Meanwhile(lambda: None, lambda: (tmp_path / "a").write_text("an hour of work\n"))
    config = session(scripted(calling(*calls), "done"), *files(tmp_path), workspace=tmp_path)
    assert "has changed since" in results(await played(config, "go", person))[0]
    assert ((tmp_path / "a").read_text(), (tmp_path / "b").read_text()) == ("an hour of work\n", "new\n")


async def test_two_approved_edits_of_one_file_are_both_made(tmp_path):
    (tmp_path / "a").write_text("".join(f"line {n}\n" for n in range(9)))
    edits = [("edit_file", {"file_path": "a", "old_string": f"line {n}\n", "new_string": f"L{n}\n\n"}) for n in (2, 4)]
    config = session(scripted(calling(*edits), "done"), *files(tmp_path), workspace=tmp_path)
    await played(config, "go", Person(YES, YES))
    assert (tmp_path / "a").read_text() == "line 0\nline 1\nL2\n\nline 3\nL4\n\nline 5\nline 6\nline 7\nline 8\n"


async def test_an_edit_whose_line_was_changed_meanwhile_is_not_made(tmp_path):
    (tmp_path / "a").write_text("rate = 1  # percent\n")
    edit = ("edit_file", {"file_path": "a", "old_string": "rate = 1", "new_string": "rate = 2"})
    person = Meanwhile(lambda: (tmp_path / "a").write_text("rate = 1  # thousand\n"))
    config = session(scripted(calling(edit), "done"), *files(tmp_path), workspace=tmp_path)
    assert "has changed since" in results(await played(config, "go", person))[0]
    assert (tmp_path / "a").read_text() == "rate = 1  # thousand\n"


def now(config: SessionConfig, permissions: list[PermissionManager]) -> Callable[[], object]:
    async def refresh() -> SessionConfig:
        return replace(config, permissions=permissions[-1])

    return refresh


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda one: one.with_mode("read-only"), "the mode is read-only"),
        (lambda one: one.with_rules([parse_rule("echo", "deny", "user")]), "the rule echo says so"),
    ],
    ids=["the mode", "a rule"],
)
async def test_an_answer_that_comes_after_something_forbade_the_call_lets_nothing_run(tmp_path, change, why):
    tool = Echo(intent=Intent("execute", "x"))
    config = session(scripted(calling(("echo", {}), ("echo", {"n": 2})), "done"), tool, workspace=tmp_path)
    permissions = [config.permissions]
    person = Meanwhile(lambda: permissions.append(change(permissions[0])), lambda: None)
    events = await played(config, "go", person, refresh=now(config, permissions))
    assert tool.ran == []
    assert len(person.questions) == 1  # the second call is judged by what holds by then
    assert all(why in text for text in results(events))


async def test_what_a_mode_let_pass_does_not_run_after_it_was_switched_off_at_a_question(tmp_path):
    calls = [("write_file", {"file_path": "a", "content": "x"}), ("bash", {"command": "true"})]
    tools = (*files(tmp_path), *bash_tools(BashConfig(), MountContext({}, tmp_path)))
    config = session(scripted(calling(*calls), "done"), *tools, workspace=tmp_path, mode="fast-edit")
    permissions = [config.permissions]
    person = Meanwhile(lambda: permissions.append(config.permissions.with_mode("plan")))
    events = await played(config, "go", person, refresh=now(config, permissions))
    assert not (tmp_path / "a").exists()
    assert all("the mode is plan" in text for text in results(events))


class Careful:
    """A hook that asks about each call."""

    id, events, guards, priority = "h", frozenset({"tool:pre"}), False, 0

    async def handle(self, event: object) -> HookAnswer:
        return HookAnswer("ask_user", text="the hook asks")


async def test_the_question_of_a_hook_is_not_lost_behind_one_of_the_rules(tmp_path):
    person = Person(YES)
    tools = bash_tools(BashConfig(), MountContext({}, tmp_path))
    model = scripted(calling(("bash", {"command": "true"})), "done")
    await played(session(model, *tools, workspace=tmp_path, hooks=(Careful(),)), "go", person)
    assert "no rule allows `true`; the hook asks" in person.questions[0].reason
    assert (person.questions[0].scopes, person.questions[0].firm) == (("allow",), True)


async def test_the_third_same_call_says_so_even_where_each_was_asked_about(tmp_path):
    person = Person(YES, YES, YES)
    tool = Echo(intent=Intent("write", "x"))
    model = scripted(*[calling(("echo", {"same": 1}))] * 3, "done")
    await played(session(model, tool, workspace=tmp_path), "go", person)
    assert [question.firm for question in person.questions] == [False, False, True]
    assert "the same call 3 times in a row" in person.questions[2].reason


def repository(folder: Path) -> None:
    """A branch `evil` has a link out of the tree where there is nothing now."""
    me = ("-c", "user.name=a", "-c", "user.email=a@b")

    def git(*words: str) -> None:
        subprocess.run(["git", *me, *words], cwd=folder, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "empty")
    git("checkout", "-q", "-b", "evil")
    (folder / "here").symlink_to(folder.parent)
    git("add", "here")
    git("commit", "-q", "-m", "link")
    git("checkout", "-q", "main")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["behind", "before"])
async def test_a_command_beside_one_that_brings_a_link_reads_nothing_through_it(tmp_path, order):
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "secret").write_text("precious")
    repository(work)
    rules = [parse_rule(text, "allow", "user") for text in ("bash(git checkout *)", "bash(cat *)", "bash(sleep 0.4)")]
    calls = [("bash", {"command": "git checkout evil"}), ("bash", {"command": "sleep 0.4 && cat here/secret"})]
    tools = bash_tools(BashConfig(), MountContext({}, work))
    model = scripted(calling(*(calls[at] for at in order)), "done")
    events = await played(session(model, *tools, workspace=work, rules=rules), "go", Person())
    assert (work / "here").is_symlink()
    assert not any("precious" in text for text in results(events))
