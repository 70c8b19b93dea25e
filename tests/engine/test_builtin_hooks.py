from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent_workbench import paths
from agent_workbench.configs.modules import Module
from agent_workbench.conversation.events import ApprovalRequired, Notice, ToolFinished
from agent_workbench.conversation.messages import Message, ToolCall, ToolResult, user
from agent_workbench.engine.hooks import approval, logging, redaction, shell, status_context, todo_reminder
from agent_workbench.engine.hooks.repository import repository
from agent_workbench.engine.ports import HookAnswer, HookEvent, MountContext, ToolOutcome
from engine.engine_kit import Echo, calling, of, played, scripted, session


def made(module: Module, workspace: Path = Path("/workspace"), **config: object) -> Any:
    assert module.create is not None
    return module.create(module.config.model_validate(config), MountContext({}, workspace))


def before(tool: str, **arguments: object) -> HookEvent:
    return HookEvent("tool:pre", "s1", {"tool_name": tool, "tool_input": arguments})


# --- logging ----------------------------------------------------------------------------------------------------------


async def test_a_turn_is_logged_line_by_line_with_secrets_as_dots():
    tool = Echo()
    call = calling(("echo", {"api_key": "hunter2hunter2", "text": "sk-" + "a" * 30}))
    await played(session(scripted(call, "done"), tool, hooks=(made(logging.MODULE),)))
    log = paths.log_dir() / "sessions/s1.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in lines][:3] == ["execution:start", "prompt:submit", "provider:request"]
    assert not any("delta" in line["event"] for line in lines)
    assert "hunter2" not in log.read_text()
    assert "sk-aaa" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


async def test_a_log_stays_where_it_is_told_and_no_name_climbs_out(tmp_path):
    hook = made(logging.MODULE, tmp_path, session_log_template=f"{tmp_path}/logs/{{project}}/{{session_id}}.jsonl")
    await hook.handle(HookEvent("x", "../../evil", {}))
    assert [path.name for path in (tmp_path / "logs").rglob("*.jsonl")] == ["evil.jsonl"]
    with pytest.raises(ValueError, match="jsonl"):
        made(logging.MODULE, session_log_template="~/.bashrc")


async def test_a_log_follows_no_link_and_is_put_aside_when_full(tmp_path, monkeypatch):
    hook = made(logging.MODULE, tmp_path, session_log_template=f"{tmp_path}/{{session_id}}.jsonl")
    (tmp_path / "target").touch()
    (tmp_path / "linked.jsonl").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic"):
        await hook.handle(HookEvent("x", "linked", {}))
    monkeypatch.setattr(logging, "MAX_LOG", 10)
    await hook.handle(HookEvent("x", "full", {}))
    assert (tmp_path / "full.jsonl.1").exists()


async def test_anything_can_be_logged():
    odd = {"text": "\ud800" + "x" * 100_000, "object": object(), "messages": [user("hi")], "none": None, 1: {2: (3,)}}
    assert "hi" in json.dumps(logging.record(HookEvent("x", "s", odd)))


# --- redaction --------------------------------------------------------------------------------------------------------

HIDDEN = {
    "a key of a provider": "use sk-" + "b" * 30,
    "a variable": "DATABASE_PASSWORD=correct-horse-battery",
    "a variable in quotes": 'api_key: "correct-horse-battery"',
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----\ncorrect-horse-battery\n-----END OPENSSH PRIVATE KEY-----",
    "a private key cut off": "-----BEGIN PRIVATE KEY-----\ncorrect-horse-battery",
    "a password in an address": "postgres://me:correct-horse-battery@db/x",
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN.keys())
async def test_what_a_tool_found_reaches_nobody(text):
    async def find(arguments, context):
        return ToolOutcome(text, details={"diff": f"-{text}\n+{text}", "todos": [{"title": text}], "exit_code": 1})

    events = await played(
        session(scripted(calling(("echo", {})), "done"), Echo(body=find), hooks=(made(redaction.MODULE),))
    )
    result = of(events, ToolFinished)[0].result
    for said in (result.content, result.details["diff"], str(result.details["todos"])):
        assert "correct-horse" not in said
        assert "bbbbb" not in said
        assert "••••" in said
    assert result.details["exit_code"] == 1


async def test_plain_results_and_mail_addresses_stay_unless_asked_for():
    event = HookEvent("tool:post", "s", {"result": "mail ada@example.org", "n": 1, "list": ["x"]})
    assert (await made(redaction.MODULE).handle(event)).action == "continue"
    answer = await made(redaction.MODULE, rules=["pii-basic"]).handle(event)
    assert answer.data is not None
    assert "ada@" not in answer.data["result"]
    kept = await made(redaction.MODULE, rules=["pii-basic"], allowlist=["result"]).handle(event)
    assert kept.action == "continue"


async def test_a_redaction_that_fails_withholds_the_result():
    class Broken(redaction.Redaction):
        async def handle(self, event: HookEvent) -> HookAnswer:
            raise RuntimeError("oops")

    hooks = (Broken(redaction.RedactionConfig()),)
    events = await played(session(scripted(calling(("echo", {"n": "canary"})), "done"), Echo(), hooks=hooks))
    result = of(events, ToolFinished)[0].result
    assert result.content.startswith("Withheld")
    assert "canary" not in result.content


# --- approval ---------------------------------------------------------------------------------------------------------

APPROVALS = {
    "a denied pattern": ({"rules": [{"pattern": "rm -rf *", "action": "auto_deny"}]}, "deny"),
    "quoting does not help": ({"rules": [{"pattern": "rm", "action": "auto_deny"}]}, "deny"),
    "an asking pattern": ({"patterns": ["rm *"]}, "ask_user"),
    "denying beats asking": ({"patterns": ["rm *"], "rules": [{"pattern": "rm", "action": "auto_deny"}]}, "deny"),
    "a tool": ({"tools": ["ba*"]}, "ask_user"),
    "approving loosens nothing": ({"rules": [{"pattern": "*", "action": "auto_approve"}]}, "continue"),
    "another tool's pattern": ({"rules": [{"pattern": "rm", "action": "auto_deny", "tool": "other"}]}, "continue"),
    "no pattern": ({}, "continue"),
}


@pytest.mark.parametrize(("config", "action"), APPROVALS.values(), ids=APPROVALS.keys())
async def test_patterns_ask_or_deny(config, action):
    answer = await made(approval.MODULE, **config).handle(before("bash", command="cd x && r''m -rf y", more=["z"]))
    assert answer.action == action


async def test_an_asking_pattern_asks_the_person():
    hook = made(approval.MODULE, tools=["echo"])
    events = await played(session(scripted(calling(("echo", {})), "done"), Echo(), hooks=(hook,)))
    assert "asks each time" in of(events, ApprovalRequired)[0].question.reason


# --- status and to-dos ------------------------------------------------------------------------------------------------


async def test_the_model_is_told_where_it_works(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/feature/x\n")
    config = status_context.StatusConfig(include_datetime=True, datetime_include_timezone=True)
    clock = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    hook = status_context.StatusContext(config, tmp_path / "sub", now=lambda: clock)
    text = (await hook.handle(HookEvent("prompt:submit", "s1"))).text
    assert f"Working directory: {tmp_path}/sub" in text
    assert "Git branch: feature/x" in text
    assert "Today: 2026-11-20 12:30 UTC" in text
    assert "Session: s1" in text


async def test_a_folder_without_a_repository_and_a_loose_commit(tmp_path):
    assert repository(tmp_path) is None
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("0123456789abcdef\n")
    assert repository(tmp_path).branch == "0123456789"
    plain = made(status_context.MODULE, tmp_path, include_git=False, include_session=False)
    assert "Session" not in (await plain.handle(HookEvent("prompt:submit", "s1"))).text


async def test_the_model_is_reminded_of_open_to_dos_only():
    def history(*states: str) -> tuple[Message, ...]:
        items = [{"content": f"item {n}", "status": state} for n, state in enumerate(states)]
        call = ToolCall("1", "todo", {"action": "create", "todos": items})
        return (user("go"), Message("assistant", (call,)), Message("tool", (ToolResult("1", "ok"),)))

    hook = made(todo_reminder.MODULE)
    open_ones = await hook.handle(HookEvent("provider:request", "s", {"history": history("completed", "pending")}))
    assert "☐ item 1" in open_ones.text
    for done in (history("completed"), history(), ()):
        assert (await hook.handle(HookEvent("provider:request", "s", {"history": done}))).action == "continue"


# --- programs ---------------------------------------------------------------------------------------------------------


def program(command: str, event: str = "PreToolUse", matcher: str = "Bash|Edit", **more: object) -> dict[str, Any]:
    return {"hooks": {event: [{"matcher": matcher, "hooks": [{"type": "command", "command": command, **more}]}]}}


PROGRAMS = {
    "goes on": ("true", "continue"),
    "denies by its exit code": ("echo not this >&2; exit 2", "deny"),
    "denies by what it says": ("""echo '{"decision": "block", "reason": "no"}'""", "deny"),
    "asks": ("""echo noise; echo '{"decision": "ask", "reason": "sure?"}'""", "ask_user"),
    "cannot loosen": ("""echo '{"decision": "approve"}'""", "continue"),
    "tells the model": ("""echo '{"contextInjection": "be careful"}'""", "inject_context"),
    "decides something that nobody knows, so it denies": ("""echo '{"decision": "denied"}'""", "deny"),
    "says something else": ("echo hello", "continue"),
    "fails, so it denies": ("exit 1", "deny"),
    "is not there, so it denies": ("/no/such/program", "deny"),
    "sees the call": ("""grep -q '"command": "ls"' && exit 2 || exit 0""", "deny"),
    "does not listen to its input": ("exec <&-; true", "continue"),
}


@pytest.mark.parametrize(("command", "action"), PROGRAMS.values(), ids=PROGRAMS.keys())
async def test_a_program_answers(tmp_path, command, action):
    answer = await made(shell.MODULE, tmp_path, **program(command)).handle(before("bash", command="ls"))
    assert answer.action == action


async def test_a_program_that_asks_does_not_keep_a_later_one_from_denying(tmp_path):
    asks, denies = """echo '{"decision": "ask"}'""", "echo no >&2; exit 2"
    config = program(asks)
    config["hooks"]["PreToolUse"][0]["hooks"].append({"command": denies})
    answer = await made(shell.MODULE, tmp_path, **config).handle(before("bash", command="ls"))
    assert answer.action == "deny"


async def test_a_program_that_takes_too_long_denies_and_is_gone(tmp_path):
    hook = made(shell.MODULE, tmp_path, **program("sleep 60", timeout=0.2))
    answer = await hook.handle(before("bash", command="ls"))
    assert "more than 0.2 seconds" in answer.reason


async def test_a_program_hears_its_own_tools_and_events_only(tmp_path):
    hook = made(shell.MODULE, tmp_path, **program("exit 2"))
    assert (await hook.handle(before("read_file"))).action == "continue"
    assert hook.events == {"tool:pre"}
    stop = made(shell.MODULE, tmp_path, **program("touch stopped", "Stop"))
    await stop.handle(HookEvent("execution:end", "s"))
    assert (tmp_path / "stopped").exists()


async def test_failing_open_is_a_choice_and_is_still_said(tmp_path):
    hook = made(shell.MODULE, tmp_path, **program("exit 1", matcher=".*"), fail_closed=False)
    events = await played(session(scripted(calling(("echo", {})), "done"), Echo(), workspace=tmp_path, hooks=(hook,)))
    assert not of(events, ToolFinished)[0].result.is_error
    assert any("hook-shell failed" in notice.text for notice in of(events, Notice))


async def test_programs_get_no_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("MINE", "yes")
    hook = made(shell.MODULE, tmp_path, **program("env; exit 2"), environment=["MINE"])
    reason = (await hook.handle(before("bash"))).reason
    assert "sk-canary" not in reason
    assert "MINE=yes" in reason
    assert f"AMPLIFIER_PROJECT_DIR={tmp_path}" in reason


def test_a_matcher_that_is_no_pattern_is_refused_when_mounted(tmp_path):
    with pytest.raises(Exception, match=r"unterminated|missing"):
        made(shell.MODULE, tmp_path, **program("true", matcher="("))
