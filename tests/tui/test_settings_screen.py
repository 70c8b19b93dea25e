"""The settings screen: each setting with its value, meaning and default; a change holds at once, or says when."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from agent_workbench.frontends.tui.choices import CHOICE_LIST
from agent_workbench.frontends.tui.keys import keymap_path
from agent_workbench.frontends.tui.screens.settings import Settings
from agent_workbench.frontends.tui.setting_work import told
from agent_workbench.frontends.tui.themes import DEFAULT
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.services.preferences import KEYS, preferences_path

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


async def settings(bench: Bench, at: str = "") -> RowList:
    """Open the settings, at one of them."""
    await bench.press("f12")
    await bench.until(lambda: isinstance(bench.app.screen, Settings), "the settings")
    rows = bench.app.screen.query_one(RowList)
    await bench.until(lambda: rows.rows, "its rows")
    if at:
        rows.go_to(at)
    return rows


def value(rows: RowList, id: str) -> str:
    return next(row.left[1][0].strip() for row in rows.rows if row.id == id)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_setting_says_what_it_means_and_its_default_under_the_cursor(tmp_path: Path, size: tuple[int, int]):
    async with workbench(tmp_path, size) as bench:
        rows = await settings(bench)
        ids = [row.id for row in rows.rows if not row.heading]
        assert ids == ["theme", *(one.id for one in CHOICE_LIST), "preset", "keymap", *(f"file {key}" for key in KEYS)]
        for id in ids:
            assert "Default: " in told(id), id
            rows.go_to(id)
            last = " ".join(told(id).split()[-2:])
            await bench.until(lambda last=last: last in " ".join(bench.shown.replace("│", " ").split()), id)


async def test_the_theme_goes_back_to_its_default_now_and_for_the_next_start(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.main.chores.take_theme("paper")
        await settings(bench, "theme")
        await bench.press("r")
        await bench.until(lambda: bench.app.theme == DEFAULT, "the default")
    async with workbench(tmp_path) as bench:
        assert bench.app.theme == DEFAULT
        assert "as shipped" in str((await settings(bench)).rows[1].right)


async def test_what_the_environment_decides_is_not_reset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWB_NO_MOTION", "1")
    async with workbench(tmp_path) as bench:
        rows = await settings(bench, "motion")
        await bench.press("r")
        await bench.until(lambda: "$AWB_NO_MOTION decides that" in bench.news, "who decides")
        assert value(rows, "motion") == "off"


async def test_a_preset_holds_at_once_and_so_does_its_end_and_the_rest_of_the_file_stays(tmp_path: Path):
    write(keymap_path(), "# mine\nsession.split: alt+b   # with a comment\n")
    async with workbench(tmp_path) as bench:
        configs = bench.main.query_one("#configs RowList", RowList)
        rows = await settings(bench, "preset")
        await bench.press("enter")
        await bench.until(lambda: value(rows, "preset") == "vim", "the next preset")
        await bench.press("escape", "f2", "j")
        await bench.until(lambda: configs.cursor == 1, "j goes down")
        rows = await settings(bench, "preset")
        await bench.press("r")
        await bench.until(lambda: value(rows, "preset") == "none", "none again")
        assert keymap_path().read_text("utf-8") == "# mine\nsession.split: alt+b   # with a comment\n"
        await bench.press("escape", "f2", "j")
        assert configs.cursor == 1
        await bench.press("up")  # back to a config that needs no key
        await bench.session("alt+b")


async def test_a_line_of_the_settings_file_is_reset_by_taking_it_out(tmp_path: Path):
    write(preferences_path(), "# all mine\noffline: true\ntrusted: [~/src]  # these\n")
    async with workbench(tmp_path) as bench:
        rows = await settings(bench, "file offline")
        assert value(rows, "file offline") == "true"
        await bench.press("r")
        await bench.until(lambda: value(rows, "file offline") == "false", "the default")
        assert preferences_path().read_text("utf-8") == "# all mine\ntrusted: [~/src]  # these\n"
        await bench.until(lambda: "holds from the next start" in bench.news, "when it holds")


async def test_keys_that_are_edited_hold_at_once_and_what_is_wrong_with_them_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\nprintf "session.new: alt+b\\nsession.splitt: alt+o\\n" > "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)
    async with workbench(tmp_path) as bench:
        await settings(bench, "keymap")
        await bench.press("enter")
        await bench.until(lambda: "did you mean session.split?" in " ".join(bench.news.split()), "what is wrong")
        assert "keymap.yaml:2" in "".join(bench.news.split())
        await bench.press("escape")
        await bench.session("alt+b")


async def test_with_emacs_keys_lines_are_walked_in_the_prompt_in_lists_and_in_dialogs(tmp_path: Path):
    write(keymap_path(), "preset: emacs\n")
    async with workbench(tmp_path) as bench:
        pane = await bench.session("alt+n")
        await bench.say("my name is Ada")
        await bench.until(lambda: pane.state == "idle" and "Ada" in bench.text_of(pane), "an answer")
        await bench.press("ctrl+p")
        assert pane.prompt.draft == "my name is Ada"
        await bench.press("ctrl+n")
        assert pane.prompt.draft == ""
        await bench.press("f2", "ctrl+n")
        rows = bench.main.query_one("#configs RowList", RowList)
        await bench.until(lambda: rows.cursor == 1, "the next row")
        await bench.press("alt+x", "ctrl+n")
        await bench.until(lambda: bench.dialog and bench.app.screen.query_one(RowList).cursor == 1, "the next command")
        await bench.press("ctrl+g")
        await bench.until(lambda: bench.app.screen is bench.main, "closed")
