"""Jump mode: letters on everything that can have the focus, on every tab and row, in the workbench and in dialogs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.frontends.tui.jump import LETTERS, Jump, labels
from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.screens.palette import Palette
from agent_workbench.frontends.tui.widgets.form import Choice
from agent_workbench.frontends.tui.widgets.places import HasPlaces
from agent_workbench.frontends.tui.widgets.row_list import RowList

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

SIZES = [(80, 24), (120, 40), (200, 50)]


async def jump(bench: Bench) -> Jump:
    """Show the letters."""
    await bench.press("alt+j")
    await bench.until(lambda: isinstance(bench.app.screen, Jump), "the letters")
    shown = bench.app.screen
    assert isinstance(shown, Jump)
    return shown


def at(bench: Bench, letters: str) -> str:
    """Return what stands on the screen where a label has to be."""
    shown = bench.app.screen
    assert isinstance(shown, Jump)
    one = shown.targets[letters]
    return bench.shown.split("\n")[one.y][one.x : one.x + len(letters) + 2]


@given(st.integers(0, 80), st.integers(0, 400))
def test_no_label_begins_another_and_what_comes_first_has_one_letter(main: int, others: int):
    of_main, of_others = labels(main, others)
    every = [*of_main, *of_others]
    assert len(every) == len(set(every)) == main + others
    assert not any(a != b and b.startswith(a) for a in every for b in every)
    if main <= 10:
        assert all(len(one) == 1 for one in of_main)
    if main + others <= len(LETTERS):
        assert all(len(one) == 1 for one in every)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_label_is_on_everything_that_can_have_the_focus(tmp_path: Path, size: tuple[int, int]):
    async with workbench(tmp_path, size) as bench:
        for key in ("ctrl+n", "ctrl+t"):
            await bench.session(key)
        for view in ("f2", "f3", "f4", "f7"):
            await bench.press(view)
            shown = await jump(bench)
            places = {(one.x, one.y) for one in shown.targets.values()}
            for widget in bench.main.focus_chain:
                seen = bench.main.find_widget(widget).visible_region
                on_it = [place for place in places if seen.contains_point(place)]
                assert on_it or not seen.area, f"no letter on {widget} after {view}"
            await bench.settled()
            for letters, one in shown.targets.items():
                assert letters in at(bench, letters) or one.x + len(letters) + 1 > size[0], (letters, one)
            await bench.press("escape")
            await bench.until(lambda: bench.app.screen is bench.main, "gone")


async def test_every_row_in_sight_can_be_gone_to_however_many_there_are(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        for number in range(60):
            await bench.shared.configs.create_config(f"number {number:02}", "bundle: {name: x}\n")
        await bench.main.refresh_lists()
        await bench.press("f2")
        shown = await jump(bench)
        rows = bench.main.query_one("#configs RowList", RowList)
        named = {one.name: letters for letters, one in shown.targets.items()}
        top = rows.scroll_offset.y
        seen = [row for row in rows.rows[top : top + rows.size.height] if not row.heading]
        assert len(seen) > 10
        wanted = seen[7]
        letters = named["".join(text for text, _ in wanted.left).strip()]
        await bench.press(letters[0])
        if len(letters) == 2:
            await bench.until(lambda: len([one for one in shown.query("Static") if one.display]) <= 26, "fewer letters")
            await bench.press(letters[1])
        await bench.until(lambda: bench.app.screen is bench.main and rows.row == wanted and rows.has_focus, "the row")


async def test_letters_go_to_the_parts_of_a_dialog_too(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.press("alt+a", "enter")
        await bench.until(lambda: isinstance(bench.app.screen, AddEntry), "the dialog")
        dialog = bench.app.screen
        await bench.type("bash")
        await bench.until(lambda: dialog.query(Choice), "the form")
        await bench.settled()
        shown = await jump(bench)
        choice = dialog.query(Choice).first()
        letters = next(key for key, one in shown.targets.items() if (one.x, one.y) == tuple(choice.region.offset))
        await bench.press(*letters)
        await bench.until(lambda: bench.app.screen is dialog and choice.has_focus, "the choice has the focus")


async def test_a_row_of_a_list_that_is_led_from_another_widget_gets_the_cursor_alone(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.press("ctrl+p")
        await bench.until(lambda: isinstance(bench.app.screen, Palette), "the palette")
        palette = bench.app.screen
        rows = palette.query_one(RowList)
        shown = await jump(bench)
        letters = next(key for key, one in shown.targets.items() if one.name.startswith("Go to the sessions"))
        await bench.press(*letters)
        await bench.until(lambda: rows.row and rows.row.id == "command go.sessions", "the row")
        assert not rows.has_focus
        await bench.press("enter")
        await bench.until(lambda: bench.main.view == "sessions", "done")


async def test_a_tab_is_turned_to_and_any_other_key_or_a_click_goes_nowhere(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        shown = await jump(bench)
        await bench.press(next(key for key, one in shown.targets.items() if one.name == "Plan"))
        await bench.until(lambda: bench.desk.tab == "Plan", "the plan")
        focused = bench.main.focused
        for leave in ("escape", "1", "f5"):
            await jump(bench)
            await bench.press(leave)
            await bench.until(lambda: bench.app.screen is bench.main, leave)
            assert bench.main.focused is focused
        await jump(bench)
        await bench.pilot.click(offset=(50, 20))
        await bench.until(lambda: bench.app.screen is bench.main, "a click")
        assert len(bench.panes) == 0


def test_lists_and_tabs_say_what_their_places_are():
    assert issubclass(RowList, HasPlaces)
