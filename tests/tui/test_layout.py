"""Sizes by keys and mouse, hiding, zoom, the tour and the settings; all of it remembered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent_workbench.frontends.tui.choices import CHOICES, Choices
from agent_workbench.frontends.tui.keys import PRESETS, keymap_path, read_keymap
from agent_workbench.frontends.tui.known_keys import command_ids, known_keys
from agent_workbench.frontends.tui.screens.settings import Settings
from agent_workbench.frontends.tui.widgets.columns import Columns, Sizes
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.frontends.tui.widgets.said import Said
from agent_workbench.frontends.tui.widgets.tour import STEPS, Tour

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


def width(bench: Bench, part: str) -> int:
    return bench.main.query_one(part).outer_size.width if bench.main.query_one(part).display else 0


async def test_parts_grow_by_keys_hide_zoom_and_are_so_the_next_time(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        lists, desk = width(bench, "#browsers"), width(bench, "#edit")
        await bench.press("alt+shift+right")
        await bench.until(lambda: width(bench, "#edit") == desk + 4, "the desk is wider")
        await bench.press("f2", "alt+shift+left")
        await bench.until(lambda: width(bench, "#browsers") == lists - 4, "the lists are narrower")
        height = bench.main.query_one("#configs").outer_size.height
        await bench.press("alt+shift+down")
        await bench.until(
            lambda: bench.main.query_one("#configs").outer_size.height == height + 2, "the list is higher"
        )
        await bench.press("f7", "ctrl+b")
        await bench.until(lambda: width(bench, "#browsers") == 0, "the lists are hidden")
        await bench.press("alt+z")
        await bench.until(lambda: width(bench, "#edit") == 120, "alone")
        await bench.press("alt+z")
        await bench.until(lambda: 0 < width(bench, "#edit") < 120, "and back")
        sizes = bench.main.query_one(Columns).sizes
        await bench.main.chores.remember()
    async with workbench(tmp_path) as bench:
        assert bench.main.query_one(Columns).sizes == sizes
        assert width(bench, "#browsers") == 0
        await bench.press("f2")
        await bench.until(lambda: width(bench, "#browsers") == lists - 4, "going there shows it")
        await bench.main.run_action("reset_layout")
        await bench.until(lambda: width(bench, "#browsers") == lists, "as at first")


async def test_what_is_hidden_gives_its_focus_on_and_the_last_part_stays(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.press("alt+h")
        await bench.until(lambda: width(bench, "#edit") == 0 and bench.main.view != "edit", "the desk is hidden")
        await bench.press("alt+h")
        await bench.press("alt+h")
        assert any(width(bench, part) for part in ("#browsers", "#edit", "#chat"))


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [((27, 10), (40, 10), "#browsers"), ((79, 10), (60, 10), "#edit")], ids=["lists", "desk"],
)  # fmt: skip
async def test_a_border_is_dragged(tmp_path: Path, start: tuple[int, int], end: tuple[int, int], part: str):
    async with workbench(tmp_path) as bench:
        before = width(bench, part)
        await bench.pilot.mouse_down(offset=start)
        await bench.pilot.hover(offset=end)
        await bench.pilot.mouse_up(offset=end)
        await bench.until(lambda: width(bench, part) == before + end[0] - start[0], "the border is where the mouse is")


def test_sizes_that_do_not_fit_are_left_out():
    assert Sizes.of({"lists": 3, "share": 7.0, "rows": "x"}) == Sizes()
    assert Sizes.of({"lists": 30, "share": 0.5, "rows": 9}) == Sizes(30, 0.5, 9)


async def test_the_tour_goes_on_as_its_steps_are_made_and_ends_for_good(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        tour = bench.main.query_one(Tour)
        assert tour.step == -1
        await bench.main.run_action("tour")
        assert [STEPS[0].words in tour.words, tour.display] == [True, True]
        await bench.type("# x")
        await bench.press("ctrl+s")
        await bench.until(lambda: tour.step == 2, "saving was the second step")
        await bench.press("alt+q")
        await bench.until(lambda: tour.step == -1 and not tour.display, "ended")


async def choose(bench: Bench, id: str) -> None:
    rows = bench.app.screen.query_one(RowList)
    rows.put(rows.rows, at=id)
    await bench.press("enter")


async def test_settings_say_where_they_come_from_and_hold_at_once(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.press("f12")
        await bench.until(lambda: isinstance(bench.app.screen, Settings), "the settings")
        await choose(bench, "motion")
        await bench.until(lambda: bench.app.animation_level == "none", "nothing moves")
        await choose(bench, "colour")
        await bench.until(lambda: bench.app.no_color, "no colours")
        await choose(bench, "colour")
        await bench.until(lambda: not bench.app.no_color, "in colours")
        await choose(bench, "reader")
        await bench.until(lambda: bench.main.parts.linear, "one part at a time")
        await choose(bench, "preset")
        await bench.until(lambda: keymap_path().exists() and "preset: vim" in keymap_path().read_text(), "vim keys")
        await bench.press("escape")
        bench.main.tell("said as text")
        assert "said as text" in str(bench.main.query_one(Said).render())
    async with workbench(tmp_path) as bench:
        assert bench.main.parts.linear
        await bench.press("f2", "j")
        await bench.until(lambda: bench.main.query_one("#configs RowList", RowList).cursor == 1, "j goes down")


def test_the_environment_decides_where_it_is_set():
    choices = Choices.of({"motion": "off", "colour": "nonsense"}, {"AWB_SCREEN_READER": "1"})
    assert choices.values == {"motion": "off", "colour": "on", "reader": "on"}
    assert choices.origins == {"motion": "chosen here", "colour": "as shipped", "reader": "$AWB_SCREEN_READER"}
    assert CHOICES == "tui.choices"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_names_only_ids_that_there_are_and_no_two_of_its_keys_clash(preset: str):
    known = known_keys()
    assert set(PRESETS[preset]) <= set(known)
    keys, problems = read_keymap(f"preset: {preset}\nlist.up: up\n", known, command_ids())
    assert problems == ()
    assert keys["list.up"] == "up"
    assert keys["list.down"] == PRESETS[preset]["list.down"]


def test_an_unknown_preset_and_a_key_that_works_everywhere_are_refused_by_name():
    keys, problems = read_keymap("preset: nano\nsession.new: ctrl+s\n", known_keys(), command_ids())
    assert keys == {}
    assert "no preset 'nano'; there are vim and emacs" in problems[0].message
    assert "session.new and " in problems[1].message
    assert "would both be ctrl+s" in problems[1].message
