"""`awb session`: list, read, fork, export, search, delete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_kit import Awb


@pytest.fixture
def ada(awb: Awb) -> str:
    """A session with two turns."""
    session = str(awb("run", "my name is Ada", "--json").json["session_id"])
    awb("run", "-s", session, "what is my name?")
    return session


def test_sessions_are_listed_newest_first(awb: Awb, ada: str) -> None:
    awb("run", "count to 3")
    listed = awb("session", "list", "--json").json
    assert [one["title"] for one in listed["sessions"]] == ["count to 3", "my name is Ada"]
    assert listed["total"] == 2
    wanted = {"session_id", "config_id", "status", "message_count", "created_at", "updated_at", "title"}
    assert wanted <= set(listed["sessions"][1])
    assert listed["sessions"][1]["message_count"] == 4
    table = awb("session", "list").out.splitlines()
    assert table[0].split() == ["TITLE", "STATE", "MESSAGES", "CONFIG", "UPDATED", "ID"]
    assert table[2].startswith("my name is Ada  active")


@pytest.mark.parametrize(
    ("options", "total"),
    [(("-c", "hello"), 1), (("-c", "local"), 0), (("-q", "Ada"), 1), (("-q", "zebra"), 0), (("--status", "failed"), 0)],
)
def test_the_list_can_be_narrowed(awb: Awb, ada: str, options: Any, total: int) -> None:
    assert awb("session", "list", *options, "--json").json["total"] == total


def test_show_prints_what_was_said(awb: Awb, ada: str) -> None:
    shown = awb("session", "show", ada).out
    assert shown.startswith("# my name is Ada\n")
    assert shown.index("## You") < shown.index("Nice to meet you, Ada!") < shown.index("Your name is Ada.")
    whole = awb("session", "show", "last", "--json").json
    assert [message["role"] for message in whole["messages"]] == ["user", "assistant"] * 2
    assert [turn["status"] for turn in whole["turns"]] == ["completed", "completed"]
    assert "messages    4" in awb("session", "show", ada, "--no-transcript").out
    assert "messages" not in awb("session", "show", ada, "--no-transcript", "--json").json


def test_a_fork_keeps_the_messages_up_to_a_place_and_goes_its_own_way(awb: Awb, ada: str) -> None:
    forked = awb("session", "fork", ada, "--at", "2", "--title", "Other", "--json").json
    assert (forked["parent_session_id"], forked["message_count"], forked["title"]) == (ada, 2, "Other")
    assert awb("run", "-s", forked["session_id"], "my name is Bo").out == "Nice to meet you, Bo!\n"
    assert awb("run", "-s", ada, "what is my name?").out == "Your name is Ada.\n"


def test_rename_resume_and_delete(awb: Awb, ada: str) -> None:
    assert awb("session", "rename", ada, " A name ", "--json").json["title"] == "A name"
    assert awb("session", "resume", ada, "--json").json["status"] == "active"
    assert ada in awb("session", "resume", ada).err
    assert awb("session", "delete", ada, "--json").json == {"session_id": ada, "deleted": True}
    awb("session", "show", ada, code=4)


def test_search_finds_messages_of_all_sessions(awb: Awb, ada: str) -> None:
    found = awb("session", "search", "nice", "meet", "--json").json["messages"]
    assert [(one["session_id"], one["role"]) for one in found] == [(ada, "assistant")]
    assert "Nice to meet you" in found[0]["excerpt"]
    assert "Nice to meet you" in awb("session", "search", "nice").out
    assert "nothing was found" in awb("session", "search", "zebra").err
    awb("session", "search", '"', "NEAR(", "*")


def test_exports_hold_the_whole_conversation_in_each_format(awb: Awb, ada: str, folder: Path) -> None:
    exported = json.loads(awb("session", "export", ada, "--format", "json").out)
    assert exported["session_id"] == ada
    assert len(exported["messages"]) == 4
    awb("session", "export", ada, "--format", "html", "-o", "page.html")
    page = (folder / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "Nice to meet you, Ada!" in page
    awb("session", "export", ada, "-o", "page.html", code=5)
    awb("session", "export", ada, "-o", "page.html", "--force")
    assert (folder / "page.html").read_text().startswith("# my name is Ada")


def test_an_html_export_runs_nothing_that_somebody_said(awb: Awb) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m"
    session = awb("run", hostile, "--json").json["session_id"]
    page = awb("session", "export", session, "--format", "html").out
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page


def test_a_markdown_export_fences_tool_results_whatever_they_hold(awb: Awb, folder: Path) -> None:
    (folder / "ticks.md").write_text("````\nfenced\n````\n")
    session = awb("run", "read ticks.md", "--json").json["session_id"]
    assert "\n`````\n" in awb("session", "export", session).out


def test_the_last_session_is_one_of_this_folder_never_of_another(
    awb: Awb, ada: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert "awb session list" in awb("session", "show", "last", code=4).err
    assert "without --continue" in awb("run", "go on", "--continue", code=4).err
    assert awb("session", "show", ada, "--json").json["session_id"] == ada


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("show", "nope"), 4),
        (("resume", "nope"), 4),
        (("fork", "nope"), 4),
        (("rename", "nope", "x"), 4),
        (("export", "nope"), 4),
        (("delete", "nope"), 4),
        (("list", "-c", "nope"), 4),
        (("export", "last", "--format", "pdf"), 2),
        (("search",), 2),
        (("list", "--limit", "0"), 2),
    ],
)
def test_what_cannot_be_done_is_an_exit_code(awb: Awb, args: Any, code: int) -> None:
    assert awb("session", *args, code=code).err


def test_what_a_session_runs_with_is_changed_printed_and_taken_back(awb: Awb, ada: str) -> None:
    changed = awb("session", "set", ada, "-m", "mock-large", "--mode", "plan", "--max-steps", "3", "--json").json
    assert changed["settings"] == {"model": "mock-large", "permission_mode": "plan", "max_steps": 3}
    wanted = {"provider": "provider-mock", "model": "mock-large", "permission_mode": "plan", "max_steps": 3}
    assert wanted.items() <= changed["runs_with"].items()
    awb("run", "-s", ada, "who are you?")
    assert awb("session", "show", ada, "--json").json["messages"][-1]["model"] == "mock-large"
    shown = awb("session", "set", ada).out
    assert "mock-large" in shown
    assert "plan" in shown
    assert awb("session", "set", ada, "-m", "", "--mode", "", "--max-steps", "0", "--json").json["settings"] == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [(("-p", "nobody"), "provider-mock"), (("--mode", "yolo"), "read-only"), (("--effort", "huge"), "medium"),
     (("--max-cost", "-1"), "greater than 0")],
)  # fmt: skip
def test_a_setting_that_means_nothing_is_refused_with_the_choices(awb: Awb, ada: str, options: Any, words: str) -> None:
    assert words in awb("session", "set", ada, *options, code=2).err
    assert awb("session", "set", ada, "--json").json["settings"] == {}


def test_compact_says_what_the_next_request_goes_without_and_refuses_where_there_is_nothing(awb: Awb, ada: str) -> None:
    for number in range(6):
        awb("run", "-s", ada, f"count to {number + 20}")
    told = awb("session", "compact", ada, "Ada", "--json").json
    assert set(told) == {"session_id", "told", "left_out", "shortened"}
    assert "stay whole" in told["told"]
    assert not set(told["left_out"]) & {1, 2}
    assert awb("session", "show", ada, "--no-transcript", "--json").json["message_count"] == 16
    refused = awb("session", "compact", ada, "lighthouse", code=2)
    assert refused.out == ""
    assert "no message holds all of “lighthouse”" in refused.err
