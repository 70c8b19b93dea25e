"""Consent given beforehand: which question a rule answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent_workbench.conversation.events import Answer, Question
from agent_workbench.conversation.messages import ToolCall
from agent_workbench.engine.permissions import PermissionManager, parse_rule
from agent_workbench.engine.ports import Intent
from agent_workbench.errors import UsageError
from agent_workbench.services.consent import Beforehand, beforehand_rules, covers
from agent_workbench.services.shared import SharedContext


def file_question(workspace: Path, *paths: str, rules: tuple[str, ...] = ("write_file(a)",)) -> Question:
    resolved = tuple(str(workspace / path) for path in paths)
    return Question(ToolCall("1", "write_file"), "it changes something", paths=resolved, rules=rules)


def command_question(command: str) -> Question:
    return Question(ToolCall("1", "bash"), "a shell command", preview=command, preview_kind="command")


@pytest.mark.parametrize(
    ("rule", "paths", "covered"),
    [
        ("write_file", ("a.txt",), True),
        ("write_*", ("a.txt",), True),
        ("edit_file", ("a.txt",), False),
        ("write_file(*.txt)", ("a.txt",), True),
        ("write_file(src/**)", ("src/deep/a.txt",), True),
        ("write_file(src/**)", ("src/a.txt", "other.txt"), False),
        ("write_file(src/**)", ("src/../a.txt",), False),
        ("write_file(src/**)", ("srcs/a.txt",), False),
    ],
)
def test_a_rule_covers_a_call_when_it_covers_every_path(
    rule: str, paths: tuple[str, ...], covered: bool, tmp_path: Path
) -> None:
    assert covers(parse_rule(rule, "allow", "session"), file_question(tmp_path, *paths), tmp_path) is covered


def test_a_link_out_of_the_folder_is_not_covered(tmp_path: Path) -> None:
    (tmp_path / "work/src").mkdir(parents=True)
    (tmp_path / "outside").write_text("x")
    (tmp_path / "work/src/link").symlink_to(tmp_path / "outside")
    question = file_question(tmp_path / "work", "src/link")
    assert not covers(parse_rule("write_file(src/**)", "allow", "session"), question, tmp_path / "work")


def test_what_more_than_the_default_asks_about_goes_to_the_person(tmp_path: Path) -> None:
    question = file_question(tmp_path, ".git/config", rules=())
    assert not covers(parse_rule("write_file", "allow", "session"), question, tmp_path)


@pytest.mark.parametrize(
    ("rule", "command", "covered"),
    [
        ("bash", "make test; anything", True),
        ("bash(make test)", "make test", True),
        ("bash(make test)", " make test\n", True),
        ("bash(make test)", "make test && rm x", False),
        ("bash(make *)", "make test", False),
        ("bash(make)", "make test", False),
        ("*", "make test", True),
    ],
)
def test_a_command_is_covered_by_the_bare_tool_or_by_its_exact_text(
    rule: str, command: str, covered: bool, tmp_path: Path
) -> None:
    assert covers(parse_rule(rule, "allow", "session"), command_question(command), tmp_path) is covered


def test_a_pattern_that_does_not_parse_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError, match="not a permission rule"):
        beforehand_rules(["edit_file", "(("])


ASKED = {
    "a protected path": ((), "cat .env"),
    "a rule that asks": (("bash(make *)",), "make test"),
    "a protected path in a later part": ((), "make test && cat .env"),
}


@pytest.mark.parametrize(("asking", "command"), ASKED.values(), ids=ASKED.keys())
@pytest.mark.parametrize("said", ["bash", "exact", "parts"])
async def test_what_asks_besides_the_default_goes_to_the_person_whatever_was_allowed_beforehand(
    asking: tuple[str, ...], command: str, said: str, bench: SharedContext, tmp_path: Path
) -> None:
    rules = tuple(parse_rule(rule, "ask", "user") for rule in asking)
    verdict = PermissionManager(tmp_path, rules).check("bash", Intent("execute", command, shell=True))
    allowed = {"bash": ("bash",), "exact": (f"bash({command})",), "parts": ("bash(cat *)", "bash(make *)")}[said]
    person = Person()
    person.says = Answer("deny")
    asked = replace(command_question(command), rules=verdict.rules, firm=verdict.firm)
    await Beforehand(beforehand_rules(allowed), person, bench.sessions, "none", tmp_path).ask(asked)
    assert person.asked == 1


PARTS = {
    "each by a rule": (("bash(git log *)", "bash(wc *)"), "git log -5 | wc -l", True),
    "one by none": (("bash(git log *)",), "git log -5 | wc -l", False),
    "not plain": (("bash(git log *)",), "git log > x", False),
    "an option that writes": (("bash(git log *)",), "git log --output=x", False),
}


@pytest.mark.parametrize(("rules", "command", "covered"), PARTS.values(), ids=PARTS.keys())
async def test_a_chain_is_covered_where_each_of_its_parts_is(
    rules: tuple[str, ...], command: str, covered: bool, bench: SharedContext, tmp_path: Path
) -> None:
    person = Person()
    frontend = Beforehand(beforehand_rules(rules), person, bench.sessions, "none", tmp_path)
    verdict = PermissionManager(tmp_path).check("bash", Intent("execute", command, shell=True))
    asked = replace(command_question(command), rules=verdict.rules)
    person.says = Answer("deny")
    assert (await frontend.ask(asked)).decision == ("allow" if covered else "deny")
    assert person.asked == (0 if covered else 1)


WRITER = """
providers:
  - module: provider-mock
    config:
      delay: 0
      loop: true
      responses:
        - tool_calls: [{name: write_file, arguments: {file_path: a.txt, content: x}}]
        - done
tools: [{module: tool-filesystem}]
"""


class Person:
    """Allows for the session unless told otherwise, and counts how often it was asked."""

    asked = 0
    says = Answer("allow_session")

    async def ask(self, question: Question) -> Answer:
        self.asked += 1
        return self.says


async def test_what_is_allowed_for_the_session_is_kept_with_it(bench: SharedContext) -> None:
    config = await bench.configs.create_config("writer", WRITER)
    session = await bench.sessions.create_session(config.config_id, settings={"model": "mock-large"})
    person = Person()
    for _ in range(2):
        frontend = Beforehand((), person, bench.sessions, session.session_id, bench.workspace)
        done = await bench.sessions.send_message(session.session_id, "go", frontend=frontend)
        assert done["response"] == "done"
    assert person.asked == 1
    kept = await bench.sessions.find_session(session.session_id)
    assert kept.settings == {"model": "mock-large", "grants": ["write_file(a.txt)"]}
