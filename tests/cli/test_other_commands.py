"""`awb provider`, `module`, `template`, `permissions` and `doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_kit import Awb

from agent_workbench import paths
from keyring_kit import MemoryKeyring

FILE = {"file_path": "notes.txt", "content": "x"}
EDIT = {"file_path": "a.md", "old_string": "a", "new_string": "b"}


# --- providers, modules, templates


def test_providers_are_listed_with_and_without_a_config(awb: Awb) -> None:
    assert "provider-mock" in awb("provider", "list").out
    assert {"module", "summary", "origin"} <= set(awb("provider", "list", "--json").json["providers"][0])
    assert awb("provider", "list", "-c", "hello", "--json").json["providers"] == [
        {"id": "provider-mock", "default_model": "mock"}
    ]


def test_a_provider_that_answers_is_reported_with_its_time(awb: Awb, scripted: Callable[..., str]) -> None:
    config = scripted("ready")
    (one,) = awb("provider", "test", "-c", config, "--json").json["providers"]
    assert (one["ok"], one["answer"], one["error"]) == (True, "ready", "")
    assert "answers" in awb("provider", "test", "-c", config).out


def test_a_provider_that_fails_is_reported_and_exits_with_1(awb: Awb, scripted: Callable[..., str]) -> None:
    config = scripted({"fault": "auth"})
    done = awb("provider", "test", "-c", config, code=1)
    assert "failed" in done.out
    assert "provider-mock: " in done.err
    assert awb("provider", "test", "-c", config, "--json", code=1).json["providers"][0]["error_kind"] == "auth"


def test_models_are_asked_of_the_provider(awb: Awb) -> None:
    assert awb("provider", "models", "-c", "hello", "--json").json["models"] == {
        "provider-mock": ["mock", "mock-large"]
    }
    assert "mock-large" in awb("provider", "models", "-c", "hello").out
    assert "it has provider-mock" in awb("provider", "models", "-c", "hello", "-p", "x", code=4).err


def test_modules_are_listed_by_kind_and_shown_with_their_settings(awb: Awb) -> None:
    listed = awb("module", "list", "--json").json
    kinds = {module["kind"] for module in listed["modules"]}
    assert {"provider", "tool", "orchestrator", "context"} <= kinds
    assert listed["broken"] == {}
    tools = awb("module", "list", "--kind", "tool").out.splitlines()[1:]
    assert {line.split()[1] for line in tools} == {"tool"}
    shown = awb("module", "show", "tool-bash").out
    assert "timeout" in shown
    assert awb("module", "show", "tool-bash", "--json").json["schema"]["properties"]["timeout"]
    assert "did you mean tool-bash?" in awb("module", "show", "tool-bsh", code=4).err


def test_templates_are_the_samples(awb: Awb) -> None:
    listed = awb("template", "list", "--json").json["templates"]
    assert listed[0]["name"] == "hello"
    assert all(one["summary"].endswith((".", "!")) for one in listed)
    assert "hello" in awb("template", "list").out
    sample = paths.shipped("sample_configs") / "hello.yaml"
    assert awb("template", "show", "hello").out == sample.read_text("utf-8")
    assert awb("template", "show", "hello", "--json").json["yaml_content"] == sample.read_text("utf-8")
    awb("template", "show", "nope", code=4)


# --- permissions


@pytest.mark.parametrize(
    ("tool", "arguments", "options", "decision", "layer"),
    [
        ("read_file", {"file_path": "a.txt"}, (), "allow", "built-in"),
        ("read_file", {"file_path": "/etc/passwd"}, (), "ask", "built-in"),
        ("write_file", FILE, (), "ask", "built-in"),
        ("write_file", FILE, ("--mode", "fast-edit"), "allow", "built-in"),
        ("write_file", FILE, ("--mode", "read-only"), "deny", "built-in"),
        ("write_file", FILE, ("--mode", "plan"), "deny", "built-in"),
        ("write_file", FILE, ("--allow", "write_file(*.txt)"), "allow", "session"),
        ("write_file", FILE, ("--allow", "write_file", "--deny", "write_file"), "deny", "session"),
        ("write_file", {**FILE, "file_path": "../x"}, ("--mode", "fast-edit"), "ask", "built-in"),
        ("bash", {"command": "ls"}, (), "ask", "built-in"),
        ("bash", {"command": "ls"}, ("--allow", "bash(ls)"), "allow", "session"),
        ("bash", {"command": "ls; wc"}, ("--allow", "bash(ls)"), "ask", "built-in"),
        ("bash", {"command": "ls > x"}, ("--allow", "bash"), "ask", "built-in"),
        ("bash", {"command": "true; rm -r x"}, ("--deny", "bash(rm *)"), "deny", "session"),
        ("frobnicate", {}, (), "ask", "built-in"),
        ("frobnicate", {}, ("--allow", "frobnicate"), "ask", None),
        ("mcp_github_delete", {}, ("--deny", "mcp_github_*"), "deny", "session"),
        ("read_file", {}, (), "deny", "built-in"),
        ("edit_file", EDIT, ("-c", "rules.yaml"), "allow", "bundle"),
        ("read_file", {"file_path": "key.pem"}, ("-c", "rules.yaml"), "deny", "bundle"),
    ],
)  # fmt: skip
def test_a_call_is_judged_without_being_run(
    awb: Awb, folder: Path, tool: str, arguments: Any, options: Any, decision: str, layer: str | None
) -> None:
    (folder / "rules.yaml").write_text(
        "session: {permissions: {allow: ['edit_file(*.md)'], deny: ['read_file(*.pem)']}}\n"
        "providers: [{module: provider-anthropic, config: {api_key: '${NOT_SET}'}}]\n"
        "tools: [{module: tool-filesystem}]\n"
    )
    verdict = awb("permissions", "check", tool, json.dumps(arguments), *options, "--json").json
    assert set(verdict) == {"decision", "rule", "layer", "reason"}
    assert verdict["decision"] == decision
    assert layer in (None, verdict["layer"])
    assert verdict["reason"]
    assert not (folder / "notes.txt").exists()


def test_a_call_is_judged_as_if_in_another_folder(awb: Awb, tmp_path: Path) -> None:
    inside = json.dumps({"file_path": str(tmp_path / "other" / "x")})
    (tmp_path / "other").mkdir()
    assert awb("permissions", "check", "read_file", inside, "--json").json["decision"] == "ask"
    there = awb("permissions", "check", "read_file", inside, "--cwd", str(tmp_path / "other"), "--json").json
    assert there["decision"] == "allow"


def test_the_rules_of_a_config_and_of_the_person_are_listed_with_their_layer(awb: Awb) -> None:
    own = paths.config_dir() / "permissions.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("deny: [web_fetch]\n")
    listed = awb("permissions", "list", "-c", "writer", "--json").json
    assert listed["mode"] == "ask"
    assert {"rule": "web_fetch", "decision": "deny", "layer": "user", "problem": ""} in listed["rules"]
    assert {"rule": "write_file", "decision": "deny", "layer": "bundle", "problem": ""} in listed["rules"]
    assert "web_fetch" in awb("permissions", "list").out


def test_a_rule_is_listed_once_under_the_text_that_it_stands_in(awb: Awb, folder: Path) -> None:
    (folder / "base.yaml").write_text("session: {permissions: {ask: [bash], deny: [edit_file, write_file]}}\n")
    (folder / "mine.yaml").write_text(
        "includes: [./base.yaml]\nproviders: [{module: provider-mock}]\n"
        "session: {permissions: {allow: [read_file], deny: [write_file]}}\n"
    )
    rules = awb("permissions", "list", "-c", "mine.yaml", "--json").json["rules"]
    assert [(one["layer"], one["decision"], one["rule"]) for one in rules] == [
        ("bundle", "allow", "read_file"),
        ("bundle", "deny", "write_file"),
        ("import", "ask", "bash"),
        ("import", "deny", "edit_file"),
    ]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("read_file", "{"), 2, "not JSON"),
        (("read_file", "[]"), 2, "JSON object"),
        (("read_file", "{}", "--allow", "(("), 2, "not a permission rule"),
        (("read_file", "{}", "--mode", "yolo"), 2, "yolo"),
        (("read_file", "{}", "-c", "nope"), 4, "nope"),
        (("read_file", "{}", "--cwd", "nowhere"), 2, "nowhere"),
    ],
)
def test_a_question_that_makes_no_sense_is_said_so(awb: Awb, args: Any, code: int, words: str) -> None:
    assert words in awb("permissions", "check", *args, code=code).err


def test_a_broken_rule_of_the_persons_own_stops_everything(awb: Awb) -> None:
    own = paths.config_dir() / "permissions.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("deny: ['((']\n")
    assert "permissions.yaml" in awb("permissions", "list", code=3).err
    doctor = awb("doctor", "--json", code=1).json
    assert doctor["ok"] is False


# --- doctor


def test_doctor_names_what_is_there_and_what_is_missing(awb: Awb) -> None:
    report = awb("doctor", "--json").json
    checks = {check["name"]: check for check in report["checks"]}
    assert report["ok"] is True
    assert checks["database"]["state"] == "fine"
    assert checks["ANTHROPIC_API_KEY"]["detail"] == "not set; for the samples anthropic, coding, team, writer"
    done = awb("doctor")
    assert "export ANTHROPIC_API_KEY" in done.out
    assert "everything that is needed works" in done.err


def test_doctor_never_shows_a_key(awb: Awb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-value")
    done = awb("doctor", "--json")
    assert "canary-value" not in done.out + done.err
    checks = {check["name"]: check for check in done.json["checks"]}
    assert (checks["ANTHROPIC_API_KEY"]["state"], checks["OPENAI_API_KEY"]["state"]) == ("fine", "note")


def test_doctor_offers_the_keyring_where_there_is_one(awb: Awb, ring: MemoryKeyring) -> None:
    assert "awb key set OPENAI_API_KEY" in awb("doctor").out
    awb("key", "set", "OPENAI_API_KEY", stdin="kept")
    asked = ring.asked
    assert "from the keyring" in awb("doctor").out
    assert ring.asked == asked


@pytest.mark.usefixtures("no_ring")
def test_doctor_says_where_no_keyring_can_be_used(awb: Awb) -> None:
    said = awb("doctor").out
    assert "has none that can be used" in said
    assert "awb key set" not in said


def test_doctor_survives_a_database_that_is_none(awb: Awb, folder: Path) -> None:
    (folder / "not.db").write_text("no database at all, and long enough to be read as one " * 20)
    report = awb("doctor", "--db", "not.db", "--json", code=1).json
    assert next(check for check in report["checks"] if check["name"] == "database")["state"] == "failed"
