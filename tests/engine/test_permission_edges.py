"""The edges of the permission rules: the last word that is judged, the first that is not, and what a reason says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent_workbench.engine.permissions import PermissionManager, Verdict, load_rules, parse_rule
from agent_workbench.engine.permissions.places import PathPattern
from agent_workbench.engine.permissions.shell import MAX_JUDGED, MAX_WORDS
from agent_workbench.engine.ports import Intent
from agent_workbench.errors import PermissionRuleError


def decided(folder: Path, command: str, *allow: str, deny: tuple[str, ...] = ()) -> Verdict:
    rules = [parse_rule(text, "allow", "user") for text in allow] + [parse_rule(text, "deny", "user") for text in deny]
    return PermissionManager(folder, tuple(rules)).check("bash", Intent("execute", command, shell=True))


# --- sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "decision"), [(MAX_WORDS, "allow"), (MAX_WORDS + 1, "ask")])
def test_as_many_words_are_judged_as_is_said(tmp_path: Path, words: int, decision: str) -> None:
    assert decided(tmp_path, "echo" + " a" * (words - 1), "bash(echo *)").decision == decision
    half = words // 2
    chain = "echo" + " a" * (half - 1) + "; echo" + " a" * (words - half - 1)
    assert decided(tmp_path, chain, "bash(echo *)").decision == decision


@pytest.mark.parametrize(("length", "decision"), [(MAX_JUDGED, "allow"), (MAX_JUDGED + 1, "ask")])
def test_as_many_characters_are_judged_as_is_said(tmp_path: Path, length: int, decision: str) -> None:
    command = ("echo" + (" " + "a" * 99) * 200)[:length]
    assert len(command) == length
    assert decided(tmp_path, command, "bash(echo *)").decision == decision


# --- single words ---------------------------------------------------------------------------------------------------

WORDS = {
    "a secret behind an option's letter": ("grep -fid_rsa x", "bash(grep *)", "ask"),
    "a secret behind an equals sign": ("grep --file=id_rsa x", "bash(grep *)", "ask"),
    "the version of an interpreter": ("python --version", "bash(python *)", "allow"),
    "the same, short": ("python3 -V", "bash(python3 *)", "allow"),
    "an interpreter with standard input": ("python", "bash(python *)", "ask"),
    "the shortest beginning of a long option": ("sort --o x", "bash(sort *)", "ask"),
    "two dashes alone": ("sort -- x", "bash(sort *)", "allow"),
    "a folder behind two stars and a name": ("cat a/b.d/c", "bash(cat **.d/*)", "allow"),
    "one more folder than the last star has": ("cat a/b.d/c/d", "bash(cat **.d/*)", "ask"),
}


@pytest.mark.parametrize(("command", "rule", "decision"), WORDS.values(), ids=WORDS.keys())
def test_what_a_rule_says_of_a_word(tmp_path: Path, command: str, rule: str, decision: str) -> None:
    assert decided(tmp_path, command, rule).decision == decision


DENIED = {
    "a blank from a variable": ("rm${IFS}-rf${IFS}x", "bash(rm -rf *)"),
    "the same without braces": ("rm$IFS-rf x", "bash(rm -rf *)"),
    "what goes on behind a sign": ("curl http://host", "bash(curl http://)"),
    "a dash that begins an option": ("git push --force", "bash(git push -)"),
}


@pytest.mark.parametrize(("command", "rule"), DENIED.values(), ids=DENIED.keys())
def test_a_denied_command_is_found(tmp_path: Path, command: str, rule: str) -> None:
    assert decided(tmp_path, command, deny=(rule,)).decision == "deny"


def test_a_search_of_one_folder_is_not_about_its_neighbours(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "b/.env").write_text("KEY=x")
    assert decided(tmp_path, "grep -r x a", "bash(grep *)").decision == "allow"
    assert decided(tmp_path, "grep -r x b", "bash(grep *)").decision == "ask"
    assert decided(tmp_path, "grep -r x", "bash(grep *)").decision == "ask"


def test_a_search_that_skips_hidden_folders_does_not_look_into_them(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden/id_rsa").write_text("x")
    assert decided(tmp_path, "rg x", "bash(rg *)").decision == "allow"
    assert decided(tmp_path, "rg -. x", "bash(rg *)").decision == "ask"


def test_what_is_only_obeyed_may_be_searched(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/build.yaml").write_text("x")
    assert decided(tmp_path, "grep -r x .", "bash(grep *)").decision == "allow"


def test_a_workspace_within_a_protected_folder_is_worked_in(tmp_path: Path) -> None:
    work = tmp_path / ".vscode/work"
    work.mkdir(parents=True)
    manager = PermissionManager(work, mode="fast-edit")
    assert manager.check("write_file", Intent("write", "a", ("a",))).decision == "allow"
    assert manager.check("write_file", Intent("write", "a", (".vscode/a",))).decision == "ask"


def test_a_path_below_a_file_cannot_be_resolved(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    verdict = PermissionManager(tmp_path).check("read_file", Intent("read", "a/b", ("a/b",)))
    assert (verdict.decision, verdict.reason) == ("ask", "the path cannot be resolved (Not a directory)")


def test_a_denied_file_tool_denies_no_command_that_a_rule_allows(tmp_path: Path) -> None:
    assert decided(tmp_path, "cat a", "bash(cat *)", deny=("read_file",)).decision == "allow"


# --- reasons --------------------------------------------------------------------------------------------------------

REASONS = {
    "one rule": ("ls", "the rule bash(ls) says so"),
    "two rules": ("ls; wc", "the rules bash(ls), bash(wc) say so"),
    "an option": ("sort -o x", "`sort … -o` may run a program or write a file"),
    "a loop": ("for x in y; do ls; done", "only plain commands are allowed by a rule, and it holds a for statement"),
    "a secret": ("ls .env", ".env is protected: it may hold secrets"),
    "a part": ("ls; touch x", "no rule allows `touch x`"),
}


@pytest.mark.parametrize(("command", "reason"), REASONS.values(), ids=REASONS.keys())
def test_a_reason_names_what_decided(tmp_path: Path, command: str, reason: str) -> None:
    assert decided(tmp_path, command, "bash(ls)", "bash(wc)").reason == reason


def test_a_secret_in_a_folder_that_is_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEY=x")
    verdict = decided(tmp_path, "grep -r x", "bash")
    assert (verdict.rule, verdict.reason) == (
        "protected paths", f"it would read {tmp_path}/.env as well, which is kept from it",
    )  # fmt: skip


def test_what_is_allowed_for_the_session_is_a_rule_of_the_session(tmp_path: Path) -> None:
    verdict = PermissionManager(tmp_path).granting(["todo"]).check("todo", Intent("write"))
    assert (verdict.decision, verdict.layer) == ("allow", "session")


@pytest.mark.parametrize(
    ("intent", "rules", "firm"),
    [
        (Intent("write", "a", ("a",)), (), False),
        (Intent("write", ".env", (".env",)), (), True),
        (Intent("write", "a", ("a",)), ("write_file",), True),
        (Intent("write", "a", ("\0",)), (), True),
        (Intent("execute", "ls > x", shell=True), (), False),
        (Intent("execute", "ls", shell=True), (), False),
        (Intent("execute", "cat .env", shell=True), (), True),
        (Intent("execute", "server"), (), False),
        (Intent("read", "a", ("a",)), (), False),
    ],
)
def test_a_question_is_firm_where_something_asks_besides_the_default(
    tmp_path: Path, intent: Intent, rules: tuple[str, ...], firm: bool
) -> None:
    manager = PermissionManager(tmp_path, tuple(parse_rule(rule, "ask", "user") for rule in rules))
    assert manager.check("bash" if intent.shell else "write_file", intent).firm is firm


# --- rules and examples ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a(\x1f)", "a(\n)", "a(\0b)", "a(b", "a b"])
def test_a_rule_holds_no_control_character(text: str) -> None:
    with pytest.raises(PermissionRuleError):
        parse_rule(text, "allow", "user")
    assert parse_rule("a( )", "allow", "user").pattern == " "


GOOD = {
    "a command without the words of its star": ("allow", {"rule": "bash(ls *)", "match": ["bash(ls)"]}),
    "a subject with a slash": ("allow", {"rule": "memory(*)", "match": ["memory(a/b)"]}),
    "a denied word in a command": ("deny", {"rule": "bash(rm)", "match": ["bash(ls && rm x)"]}),
    "a path": ("ask", {"rule": "read_file(src/**)", "match": ["read_file(src/a/b)"], "not_match": ["read_file(a)"]}),
}


@pytest.mark.parametrize(("ruling", "entry"), GOOD.values(), ids=GOOD.keys())
def test_examples_that_hold_are_taken(ruling: str, entry: dict[str, object]) -> None:
    assert load_rules({ruling: [entry]}, "user")


def test_the_example_of_a_pattern_that_allows_nothing_is_refused_as_such() -> None:
    entry = {"rule": "bash(echo $HOME *)", "match": ["bash(echo a b)"]}
    with pytest.raises(PermissionRuleError, match="does not fit its example"):
        load_rules({"allow": [entry]}, "user")


# --- globs of paths -------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "ab", "x.py"])
GLOBS = st.sampled_from(["a", "b", "*", "**", "?", "a*", "*.py"])


def in_words(parts: tuple[str, ...]) -> re.Pattern[str]:
    """Say what a glob means in another language."""
    body = "".join(
        "(?:/[^/]+)*" if part == "**" else "/" + re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        for part in parts
    )
    return re.compile(body)


@settings(max_examples=400, deadline=None)
@given(glob=st.lists(GLOBS, min_size=1, max_size=6).map(tuple), path=st.lists(NAMES, min_size=1, max_size=6).map(tuple))
@example(glob=("**", "a", "b"), path=("b",))
@example(glob=("a", "**", "b"), path=("a", "b"))
@example(glob=("a", "**", "b", "*"), path=("a", "ab", "b", "b", "a"))
@example(glob=("a", "**", "**", "b"), path=("a", "b"))
@example(glob=("**", "b", "**", "a"), path=("a", "b", "a", "b"))
def test_a_glob_of_a_path_means_what_it_says(glob: tuple[str, ...], path: tuple[str, ...]) -> None:
    pattern = PathPattern.parse("/" + "/".join(glob), Path("/"))
    assert pattern.covers(Path("/", *path)) is (in_words(glob).fullmatch("/" + "/".join(path)) is not None)
