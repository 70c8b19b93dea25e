"""Answers that hold for ever are shown as the edit that they are; a person who looks elsewhere is called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from looks import HOSTILE

from agent_workbench.frontends.tui.attention import call, sequence
from agent_workbench.frontends.tui.screens.confirm_change import ConfirmChange
from agent_workbench.frontends.tui.widgets.pane_grid import SessionPane
from agent_workbench.frontends.tui.widgets.row_list import RowList

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


async def asked(bench: Bench) -> SessionPane:
    """Let a session ask, and answer `always`."""
    pane = await bench.session()
    await bench.say("write notes.txt with hello")
    await bench.until(lambda: pane.question.waiting, "it asks")
    await bench.answerable(pane)
    await bench.press("a")
    await bench.until(lambda: isinstance(bench.app.screen, ConfirmChange), "the change is shown")
    return pane


async def choose(bench: Bench, id: str) -> None:
    rows = bench.app.screen.query_one(RowList)
    rows.put(rows.rows, at=id)
    await bench.press("enter")


async def test_always_is_saved_to_the_config_after_it_was_shown_and_keeps_every_comment(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        before = (await bench.shared.configs.find_config("hello")).yaml_content
        pane = await asked(bench)
        assert (await bench.shared.configs.find_config("hello")).yaml_content == before
        await choose(bench, "save")
        await bench.until(lambda: not pane.busy, "it goes on")
        after = (await bench.shared.configs.find_config("hello")).yaml_content
        assert (tmp_path / "work" / "notes.txt").read_text().strip() == "hello"
        assert set(before.splitlines()) <= set(after.splitlines())
        assert "write_file" in after.removeprefix(before.rstrip("\n"))
        await bench.until(lambda: bench.editor.text == after, "the desk shows it")


@pytest.mark.parametrize(("answer", "written"), [("session", True), ("back", False)])
async def test_always_can_be_less_or_be_thought_over(tmp_path: Path, answer: str, written: bool):
    async with workbench(tmp_path) as bench:
        before = (await bench.shared.configs.find_config("hello")).yaml_content
        pane = await asked(bench)
        await choose(bench, answer)
        if written:
            await bench.until(lambda: not pane.busy, "it goes on")
        else:
            await bench.until(lambda: pane.question.waiting, "the question is back")
        assert (tmp_path / "work" / "notes.txt").exists() == written
        assert (await bench.shared.configs.find_config("hello")).yaml_content == before
        await bench.press("escape")


async def test_somebody_who_looks_elsewhere_is_called_and_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with workbench(tmp_path) as bench:
        rung: list[str] = []
        monkeypatch.setattr(bench.app, "bell", lambda: rung.append("bell"))
        assert not call(bench.app, "look")
        bench.app.app_focus = False
        assert call(bench.app, "look")
        assert rung == ["bell"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "\x1b]9;done\x07"),
        ({"KITTY_WINDOW_ID": "1"}, "\x1b]99;;done\x1b\\"),
        ({"TMUX": "/tmp/x"}, "\x1bPtmux;\x1b\x1b]9;done\x07\x1b\\"),
        ({"TMUX": "/tmp/x", "KITTY_WINDOW_ID": "1"}, "\x1bPtmux;\x1b\x1b]99;;done\x1b\x1b\\\x1b\\"),
    ],
)
def test_each_terminal_is_told_in_its_way(environment: dict[str, str], expected: str):
    assert sequence("done", environment) == expected


def test_no_words_end_the_sequence_or_begin_another():
    inside = sequence(HOSTILE, {})[4:-1]
    assert inside.isprintable()
    assert ";" not in inside


async def test_the_meter_says_how_full_the_context_is(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: pane.context_window, "the window is known after a turn")
        assert pane.context_window == 200_000
        await bench.until(lambda: "0% context" in bench.shown, "the meter")
