"""Values and entries are set, moved and taken out by their path, and every other byte stays."""

from __future__ import annotations

import pytest
from cli_kit import Awb

TEXT = """\
# mine
bundle: {name: mine}   # kept
providers:
  - module: provider-mock
    config:
      delay: 1   # slow
tools:
  # finds things
  - module: tool-search
  - module: tool-bash
    id: shell
  # - module: tool-web
"""

CASES = {
    "a setting by the module's schema": (
        ("set", "tools[shell].config.denied_commands", "rm *, dd"),
        "    id: shell\n",
        "    id: shell\n    config:\n      denied_commands:\n        - rm *\n        - dd\n",
    ),
    "a value that is there": (("set", "providers[provider-mock].config.delay", "0"), "delay: 1 ", "delay: 0 "),
    "a value by its place": (("set", "providers[0].config.delay", "0"), "delay: 1 ", "delay: 0 "),
    "an entry with its comment": (
        ("remove", "tools[tool-search]"), "  # finds things\n  - module: tool-search\n", "",
    ),
    "an entry as a comment": (
        ("disable", "tools[tool-search]"), "  - module: tool-search\n", "  # - module: tool-search\n",
    ),
    "a comment as an entry": (("enable", "tool-web"), "  # - module: tool-web\n", "  - module: tool-web\n"),
    "a comment by its line": (("enable", "12"), "  # - module: tool-web\n", "  - module: tool-web\n"),
}  # fmt: skip


@pytest.fixture
def mine(awb: Awb) -> str:
    return str(awb("config", "import", "-", "--name", "mine", "--json", stdin=TEXT).json["config_id"])


@pytest.mark.parametrize("case", CASES)
def test_an_edit_by_path_changes_its_lines_and_no_other_byte(awb: Awb, mine: str, case: str):
    (verb, *words), old, new = CASES[case]
    assert awb("config", verb, mine, *words, "--json").json["saved"]
    assert awb("config", "export", mine).out == TEXT.replace(old, new)


def test_an_entry_moves_with_its_comment(awb: Awb, mine: str):
    awb("config", "move", mine, "tools[shell]", "1")
    text = awb("config", "export", mine).out
    assert text.index("tool-bash") < text.index("# finds things") < text.index("tool-search")


def test_hooks_and_agents_are_added(awb: Awb, mine: str):
    awb("config", "add-hook", mine, "hooks-todo-reminder")
    awb("config", "add-agent", mine, "helper", "--set", "description=helps people")
    plan = awb("config", "plan", mine, "--json").json["mount_plan"]
    assert [one["module"] for one in plan["hooks"]] == ["hooks-todo-reminder"]
    assert plan["agents"]["helper"]["description"] == "helps people"


def test_a_dry_run_shows_the_change_and_makes_none(awb: Awb, mine: str):
    assert "+      delay: 0" in awb("config", "set", mine, "providers[0].config.delay", "0", "--dry-run").out
    assert awb("config", "export", mine).out == TEXT


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("set", "tools[tool-serch].config", "{}"), 4, "did you mean tool-search?"),
        (("remove", "tools[9]"), 4, "it has tool-search, shell"),
        (("set", "tools[", "1"), 2, "is no path"),
        (("set", "", "1"), 2, "names nothing"),
        (("set", "session.limits", "[1"), 2, "is not a YAML value"),
        (("enable", "tool-sql"), 4, "no comment holds the entry 'tool-sql'"),
    ],
)
def test_a_wrong_path_says_what_there_is(awb: Awb, mine: str, words: tuple[str, ...], code: int, said: str):
    failed = awb("config", words[0], mine, *words[1:], code=code)
    assert said in failed.err
    assert awb("config", "export", mine).out == TEXT


def test_a_config_gets_another_name(awb: Awb, mine: str):
    assert awb("config", "rename", "mine", "yours", "--json").json["name"] == "yours"
    assert awb("config", "export", "yours").out == TEXT
