"""Each built-in hook through a real config, as `awb run` mounts it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_kit import Awb
from test_run_that_breaks import served

from agent_workbench import paths
from agent_workbench.conversation.messages import ToolCall
from fakes.wire import Reply, says

READ = {"tool_calls": [{"name": "read_file", "arguments": {"file_path": "notes.txt"}}]}
WIRED = """\
bundle: {{name: wired}}
providers:
  - module: provider-chat-completions
    config: {{base_url: "{url}/v1", default_model: fake-1}}
tools:
  - module: tool-todo
hooks:
  - module: {hook}
"""
KEY = "sk-proj-1234567890abcdefghij1234567890"
Write = Callable[..., str]


@pytest.fixture
def hooked(folder: Path) -> Write:
    """Write a bundle whose agent says what it is told to, with one hook."""

    def write(hook: str, config: dict[str, Any], *responses: Any) -> str:
        entries = {
            "bundle": {"name": "hooked"},
            "providers": [{"module": "provider-mock", "config": {"delay": 0, "responses": list(responses)}}],
            "tools": [{"module": "tool-filesystem"}, {"module": "tool-todo"}],
            "hooks": [{"module": hook, "config": config}],
        }
        (folder / "notes.txt").write_text(f"the key is {KEY}\n")
        (folder / "hooked.yaml").write_text(yaml.safe_dump(entries))
        return "hooked.yaml"

    return write


def shell(**programs: Any) -> dict[str, Any]:
    """Return the config of `hook-shell` with one program for each event."""
    return {"hooks": {name: [{"hooks": [program]}] for name, program in programs.items()}}


def test_logging_writes_a_line_for_each_event_without_secrets(awb: Awb, hooked: Write):
    awb("run", "go", "-c", hooked("hooks-logging", {}, READ, "done"))
    (log,) = (paths.log_dir() / "sessions").glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    names = [line["event"] for line in lines]
    assert [name for name in names if "content_block" not in name] == [
        "session:start", "execution:start", "prompt:submit", "provider:request", "provider:response", "tool:pre",
        "tool:post", "provider:request", "provider:response", "prompt:complete", "execution:end",
        "orchestrator:complete", "session:end",
    ]  # fmt: skip
    assert KEY not in log.read_text()


def test_a_session_is_started_once_and_resumed_by_the_next_process(awb: Awb, hooked: Write):
    awb("run", "go", "-c", hooked("hooks-logging", {}, "one", "two"))
    awb("run", "--continue", "on")
    (log,) = (paths.log_dir() / "sessions").glob("*.jsonl")
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    told = [event for event in events if event.startswith("session:")]
    assert told == ["session:start", "session:end", "session:resume", "session:end"]


def test_redaction_hides_a_key_from_model_and_transcript(awb: Awb, hooked: Write):
    awb("run", "go", "-c", hooked("hooks-redaction", {}, READ, "done"))
    messages = awb("session", "show", "last", "--json").out
    assert "the key is •••" in messages
    assert KEY not in messages


def test_redaction_hides_a_key_in_the_diff_of_an_edit(awb: Awb, hooked: Write):
    edit = {"file_path": "notes.txt", "old_string": "the key", "new_string": "a key"}
    call = {"tool_calls": [{"name": "edit_file", "arguments": edit}]}
    awb("run", "go", "--fast-edit", "-c", hooked("hooks-redaction", {}, call, "done"))
    shown = awb("session", "show", "last", "--json").out
    assert "-the key is •••" in shown
    assert KEY not in shown


def test_approval_makes_a_harmless_call_ask(awb: Awb, hooked: Write):
    done = awb("run", "go", "-c", hooked("hooks-approval", {"patterns": ["notes*"]}, READ, "done"))
    assert "the pattern 'notes*' asks each time" in done.err
    assert "nobody was there to ask" in done.err


def test_approval_can_deny_by_pattern(awb: Awb, hooked: Write):
    rule = {"pattern": "notes.txt", "action": "auto_deny"}
    done = awb("run", "go", "-c", hooked("hooks-approval", {"rules": [rule]}, READ, "done"))
    assert "✗ read_file: Denied: the pattern 'notes.txt' denies it" in done.err


def sent(awb: Awb, hook: str, *script: Reply) -> list[str]:
    """Return the requests that a turn with a hook sends, as text."""
    with served(*script) as server:
        Path("wired.yaml").write_text(WIRED.format(url=server.url, hook=hook))
        awb("run", "go", "-c", "wired.yaml")
    return [request.body.decode() for request in server.requests]


def test_the_model_is_told_its_folder_and_branch_once_a_turn_and_last(awb: Awb, folder: Path):
    (folder / ".git").mkdir()
    (folder / ".git/HEAD").write_text("ref: refs/heads/topic\n")
    (request,) = sent(awb, "hooks-status-context", says("done"))
    last = json.loads(request)["messages"][-1]["content"]
    assert "Git branch: topic" in last
    assert f"Working directory: {folder}" in last
    assert "<env>" not in awb("session", "show", "last", "--json").out


def test_open_to_dos_are_brought_up_before_each_request(awb: Awb, folder: Path):
    todo = {"content": "write the test", "status": "pending", "activeForm": "writing the test"}
    create = says(ToolCall("c1", "todo", {"action": "create", "todos": [todo]}))
    before, after = sent(awb, "hooks-todo-reminder", create, says("done"))
    assert "Your to-do list" not in before
    last = json.loads(after)["messages"][-1]["content"]
    assert "Your to-do list" in last
    assert "write the test" in last


def test_a_program_hears_a_call_as_json_and_denies_it(awb: Awb, hooked: Write):
    program = {"command": 'cat > heard.json; echo \'{"decision": "deny", "reason": "not today"}\''}
    done = awb("run", "go", "-c", hooked("hook-shell", shell(PreToolUse=program), READ, "done"))
    assert "✗ read_file: Denied: not today" in done.err
    heard = json.loads(Path("heard.json").read_text())
    assert (heard["event"], heard["tool_name"], heard["tool_input"]) == (
        "tool:pre", "read_file", {"file_path": "notes.txt"},
    )  # fmt: skip


def test_a_program_that_takes_too_long_is_gone_and_the_call_denied(awb: Awb, hooked: Write):
    program = {"command": "sleep 60", "timeout": 0.3}
    began = time.monotonic()
    done = awb("run", "go", "-c", hooked("hook-shell", shell(PreToolUse=program), READ, "done"))
    assert time.monotonic() - began < 20
    assert "it took more than 0.3 seconds" in done.err
    assert done.out == "done\n"


def test_programs_hear_a_session_begin_and_end(awb: Awb, hooked: Write):
    programs = {
        "SessionStart": {"command": "echo start >> heard.txt"},
        "Stop": {"command": "echo stop >> heard.txt"},
        "SessionEnd": {"command": "echo end >> heard.txt"},
    }
    awb("run", "go", "-c", hooked("hook-shell", shell(**programs), "done"))
    assert Path("heard.txt").read_text().split() == ["start", "stop", "end"]


def test_a_program_can_refuse_a_prompt(awb: Awb, hooked: Write):
    program = {"command": "echo 'no work on Saturdays'; exit 2"}
    done = awb("run", "go", "-c", hooked("hook-shell", shell(UserPromptSubmit=program), "done"), code=1)
    assert "failed: a hook refused the prompt: no work on Saturdays" in done.err
