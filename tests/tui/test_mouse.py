"""A click does what the key does, also in dialogs; other buttons and the second click of two do nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual import events
from textual.geometry import Offset
from textual.widget import Widget
from textual.widgets import Input

from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.screens.palette import Palette
from agent_workbench.frontends.tui.screens.settings import Settings
from agent_workbench.frontends.tui.widgets.form import Choice
from agent_workbench.frontends.tui.widgets.row_list import RowList

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


async def click(bench: Bench, widget: Widget, x: int = 2, y: int = 0, *, button: int = 1, times: int = 1) -> None:
    await bench.pilot.click(offset=widget.content_region.offset + Offset(x, y), button=button, times=times)


async def adding_bash(bench: Bench) -> AddEntry:
    await bench.press("alt+a", "enter")
    await bench.until(lambda: isinstance(bench.app.screen, AddEntry), "the dialog")
    dialog = bench.app.screen
    assert isinstance(dialog, AddEntry)
    await bench.type("bash")
    await bench.until(lambda: dialog.query(Choice), "the form")
    await bench.settled()
    return dialog


async def test_a_click_on_a_choice_or_a_field_does_what_its_keys_do(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        dialog = await adding_bash(bench)
        choice = dialog.query(Choice).first()
        choice.scroll_visible(animate=False)
        await bench.settled()
        await click(bench, choice)
        clicked = choice.value
        assert clicked
        assert choice.has_focus
        await bench.press("left", "right")
        assert choice.value == clicked
        await click(bench, choice, button=3)
        assert choice.value == clicked
        field = dialog.query("FieldRow Input").first(Input)
        field.scroll_visible(animate=False)
        await bench.settled()
        await click(bench, field)
        assert field.has_focus


async def test_a_click_on_a_row_of_a_dialog_chooses_it_and_a_second_one_reaches_nothing_below(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.press("ctrl+p")
        await bench.until(lambda: isinstance(bench.app.screen, Palette), "the palette")
        await bench.type("open the config team")
        await bench.settled()
        await click(bench, bench.app.screen.query_one(RowList), times=2)
        await bench.until(lambda: "team" in str(bench.desk.border_title), "the config")
        assert bench.app.screen is bench.main


async def test_other_buttons_choose_nothing(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        title = str(bench.desk.border_title)
        for button in (2, 3):
            await click(bench, bench.main.query_one("#configs RowList", RowList), 4, 3, button=button)
            await click(bench, bench.main.query_one("TabLine"), 8, 0, button=button)
            await click(bench, bench.main.query_one("KeyFooter"), 1, 0, button=button)
        await bench.settled()
        assert (str(bench.desk.border_title), bench.desk.tab, bench.app.screen) == (title, "Edit", bench.main)


async def test_a_double_click_on_a_setting_changes_it_once(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.press("f12")
        await bench.until(lambda: isinstance(bench.app.screen, Settings), "the settings")
        rows = bench.app.screen.query_one(RowList)
        await bench.until(lambda: rows.rows, "its rows")
        at = next(number for number, row in enumerate(rows.rows) if row.id == "motion")
        await click(bench, rows, 4, at, times=2)
        await bench.until(lambda: bench.app.animation_level == "none", "changed")
        await bench.settled()
        assert bench.app.animation_level == "none"


@pytest.mark.parametrize("view", ["configs", "edit"])
async def test_the_wheel_scrolls_what_is_under_it_and_takes_no_focus(tmp_path: Path, view: str):
    async with workbench(tmp_path) as bench:
        for number in range(60):
            await bench.shared.configs.create_config(f"number {number:02}", "bundle: {name: x}\n")
        await bench.main.refresh_lists()
        bench.editor.load("# a line\n" * 200)
        under = bench.main.query_one("#configs RowList", RowList) if view == "configs" else bench.editor
        bench.main.query_one("#sessions RowList", RowList).focus()
        await bench.settled()
        before, focused = under.scroll_y, bench.main.focused
        kind = events.MouseScrollUp if before else events.MouseScrollDown
        x, y = under.region.offset + Offset(3, 3)
        bench.app.post_message(kind(None, x, y, 0, 0, 0, False, False, False, x, y))
        await bench.until(lambda: under.scroll_y != before, "it scrolls")
        assert bench.main.focused is focused
