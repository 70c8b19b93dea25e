"""`awb run`: one prompt, one answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_kit import Awb

WRITE = {"tool_calls": [{"name": "write_file", "arguments": {"file_path": "notes.txt", "content": "hello\n"}}]}


def test_the_answer_goes_to_stdout_and_everything_else_to_stderr(awb: Awb) -> None:
    done = awb("run", "my name is Ada")
    assert done.out == "Nice to meet you, Ada!\n"
    assert done.err.startswith("· session ")


def test_json_is_the_shape_that_scripts_rely_on(awb: Awb, scripted: Callable[..., str]) -> None:
    said = awb("run", "hi", "-c", scripted("ready"), "--json").json
    assert set(said) == {"session_id", "response", "usage", "status", "denied"}
    assert said["denied"] == []
    assert (said["response"], said["status"]) == ("ready", "completed")
    assert said["usage"]["cost"] == "0"


def test_calls_that_nobody_allowed_are_named_to_scripts(awb: Awb) -> None:
    done = awb("run", "write notes.txt with hello", "--json")
    assert done.json["denied"] == [{"tool": "write_file", "reason": "nobody was there to ask"}]
    assert "✗ write_file: Denied: nobody was there to ask\n" in done.err
    allowed = awb("run", "write notes.txt with hello", "--json", "--yes-tools", "write_file")
    assert allowed.json["denied"] == []


def test_stream_json_begins_connected_and_ends_with_exactly_one_done(awb: Awb, scripted: Callable[..., str]) -> None:
    lines = [json.loads(line) for line in awb("run", "hi", "-c", scripted("one two"), "--stream-json").out.splitlines()]
    kinds = [line["type"] for line in lines]
    assert kinds[0] == "connected"
    assert kinds[-2:] == ["response", "done"]
    assert kinds.count("done") + kinds.count("error") == 1
    assert "".join(line["text"] for line in lines if line["type"] == "text_delta") == "one two"
    assert lines[-2]["content"] == "one two"


def test_an_empty_prompt_starts_no_session(awb: Awb) -> None:
    awb("run", " ", code=2)
    assert awb("session", "list", "--json").json["total"] == 0


def test_continue_goes_on_in_the_newest_session(awb: Awb) -> None:
    awb("run", "my name is Ada")
    assert awb("run", "--continue", "what is my name?").out == "Your name is Ada.\n"


def test_a_session_goes_on_by_its_id(awb: Awb) -> None:
    first = awb("run", "my name is Ada", "--json").json["session_id"]
    awb("run", "my name is Bo")
    again = awb("run", "-s", first, "what is my name?", "--json").json
    assert (again["session_id"], again["response"]) == (first, "Your name is Ada.")


@pytest.mark.parametrize(
    ("words", "stdin", "prompt"),
    [
        (("what", "is", "this"), "", "what is this"),
        (("-",), "from a pipe\n", "from a pipe"),
        (("explain", "-"), "a file\n", "explain\n\na file"),
    ],
)
def test_the_prompt_is_the_words_and_what_stdin_holds(awb: Awb, words: Any, stdin: str, prompt: str) -> None:
    session = awb("run", *words, "--json", stdin=stdin).json["session_id"]
    messages = awb("session", "show", session, "--json").json["messages"]
    assert messages[0]["parts"] == [{"type": "text", "text": prompt}]


def test_what_needs_permission_is_denied_where_nobody_is_there(awb: Awb, scripted: Callable[..., str]) -> None:
    done = awb("run", "go", "-c", scripted(WRITE, "done", tools=("tool-filesystem",)))
    assert not Path("notes.txt").exists()
    assert "--yes-tools write_file allows it" in done.err
    assert "nobody was there to ask" in done.err


@pytest.mark.parametrize(
    ("options", "written"),
    [
        (("--yes-tools", "write_file"), True),
        (("--yes-tools", "write_file(*.txt)"), True),
        (("--yes-tools", "write_*"), True),
        (("--fast-edit",), True),
        (("--mode", "fast-edit"), True),
        (("--mode", "ask"), False),
        (("--mode", "read-only", "--yes-tools", "write_file"), False),
        (("--yes-tools", "write_file(src/**)"), False),
        (("--yes-tools", "edit_file"), False),
        (("--yes-tools", "bash"), False),
    ],
)
def test_consent_given_beforehand_covers_what_it_names(
    awb: Awb, scripted: Callable[..., str], options: Any, written: bool
) -> None:
    awb("run", "go", "-c", scripted(WRITE, "done", tools=("tool-filesystem",)), *options)
    assert Path("notes.txt").exists() is written


@pytest.mark.parametrize("path", [".git/hooks/pre-commit", ".env", "../outside.txt"])
def test_consent_beforehand_never_reaches_protected_paths(awb: Awb, scripted: Callable[..., str], path: str) -> None:
    call = {"tool_calls": [{"name": "write_file", "arguments": {"file_path": path, "content": "x"}}]}
    config = scripted(call, "done", tools=("tool-filesystem",))
    awb("run", "go", "-c", config, "--fast-edit", "--yes-tools", "write_file(*.txt)")
    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("pattern", "ran"),
    [("bash", True), ("bash(touch ran)", True), ("bash(touch *)", True), ("bash(touch)", False), ("bash(rm *)", False)],
)
def test_a_shell_command_needs_its_exact_text_the_bare_tool_or_rules_for_its_parts(
    awb: Awb, scripted: Callable[..., str], pattern: str, ran: bool
) -> None:
    call = {"tool_calls": [{"name": "bash", "arguments": {"command": "touch ran"}}]}
    awb("run", "go", "-c", scripted(call, "done", tools=("tool-bash",)), "--yes-tools", pattern)
    assert Path("ran").exists() is ran


def test_a_turn_that_fails_exits_with_1_and_says_why(awb: Awb, scripted: Callable[..., str]) -> None:
    config = scripted({"text": "so far", "fault": "auth"})
    done = awb("run", "hi", "-c", config, code=1)
    assert "failed: " in done.err
    said = awb("run", "hi", "-c", config, "--json", code=1).json
    assert said["status"] == "failed"
    assert said["error"]
    last = awb("run", "hi", "-c", config, "--stream-json", code=1).out.splitlines()[-1]
    assert json.loads(last)["type"] == "error"


def test_a_bundle_file_is_stored_once_and_again_as_a_revision_when_it_changes(
    awb: Awb, scripted: Callable[..., str]
) -> None:
    config = scripted("one")
    awb("run", "hi", "-c", config)
    awb("run", "hi", "-c", config)
    scripted("two")
    assert awb("run", "hi", "-c", config).out == "two\n"
    history = awb("config", "history", "scripted", "--json").json["revisions"]
    assert [revision["revision"] for revision in history] == [2, 1]


def test_a_bundle_file_finds_its_includes_beside_it(awb: Awb, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/top.yaml").write_text("includes: [./base.yaml]\n")
    (folder / "sub/base.yaml").write_text("providers: [{module: provider-mock, config: {responses: [found]}}]\n")
    assert awb("run", "hi", "-c", "sub/top.yaml").out == "found\n"


def test_the_model_of_one_session_can_be_named(awb: Awb) -> None:
    lines = awb("run", "hi", "-m", "mock-large", "--stream-json").out.splitlines()
    assert json.loads(lines[1])["model"] == "mock-large"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ((), 2, "Missing argument"),
        (("",), 2, "the message is empty"),
        (("hi", "-c", "nope"), 4, "awb config list"),
        (("hi", "-c", "./nope.yaml"), 4, "No such file"),
        (("hi", "-s", "nope"), 4, "awb session list"),
        (("hi", "--continue"), 4, "no session to continue"),
        (("hi", "-c", "anthropic"), 3, "ANTHROPIC_API_KEY"),
        (("hi", "--json", "--stream-json"), 2, "choose one"),
        (("hi", "-s", "x", "-c", "hello"), 2, "name one of"),
        (("hi", "--yes-tools", "((("), 2, "not a permission rule"),
    ],
)
def test_what_cannot_be_run_is_one_clear_line_and_an_exit_code(awb: Awb, args: Any, code: int, words: str) -> None:
    done = awb("run", *args, code=code)
    assert words in done.err
    assert done.out == ""
