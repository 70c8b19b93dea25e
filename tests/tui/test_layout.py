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
from agent_workbench.frontends.tui.widgets.pane_layout import Shares
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


def test_the_tour_has_five_steps_and_begins_with_saying_something():
    assert [step.done for step in STEPS] == ["said", "add", "save", "split", "palette"]


async def test_the_tour_goes_on_as_its_steps_are_made_and_ends_for_good(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        tour = bench.main.query_one(Tour)
        assert tour.step == -1
        await bench.main.run_action("tour")
        assert [STEPS[0].words in tour.words, tour.display] == [True, True]
        await bench.type("# x")
        await bench.press("ctrl+s")
        await bench.until(lambda: not bench.editor.dirty, "saved, which is a later step")
        await bench.session()
        assert tour.step == 0
        await bench.say("my name is Ada")
        await bench.until(lambda: tour.step == 1, "something was said")
        assert "alt+a" in tour.words
        await bench.press("f7", "alt+a")
        await bench.until(lambda: bench.dialog.startswith("Add to"), "what is to be added")
        await bench.type("tool")
        await bench.press("enter")
        await bench.until(lambda: bench.dialog.startswith("Add a tool"), "which")
        await bench.press("escape")
        await bench.until(lambda: not bench.dialog, "no tool is added")
        assert tour.step == 1
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


def places(bench: Bench) -> list[tuple[int, int, int, int]]:
    return [tuple(pane.region) for pane in bench.panes]  # type: ignore[misc]


async def test_the_borders_between_panes_are_dragged_and_moved_by_keys_and_remembered(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.session("ctrl+t")
        await bench.until(lambda: places(bench)[0][3] == places(bench)[1][3] == 19, "both are as high")
        await bench.press("alt+shift+down")
        await bench.until(lambda: [place[3] for place in places(bench)] == [17, 21], "the lower one grew")
        x, y, _, height = places(bench)[0]
        await bench.pilot.mouse_down(offset=(x + 5, y + height - 1))
        await bench.pilot.hover(offset=(x + 5, y + 9))
        await bench.pilot.mouse_up(offset=(x + 5, y + 9))
        await bench.until(lambda: [place[3] for place in places(bench)] == [10, 28], "the border is where the mouse is")
        await bench.press("ctrl+b")
        await bench.press("f7", "alt+h")
        await bench.until(lambda: places(bench)[0][2:] == (59, 38), "beside each other")
        await bench.pilot.mouse_down(offset=(60, 10))
        await bench.pilot.hover(offset=(40, 10))
        await bench.pilot.mouse_up(offset=(40, 10))
        await bench.until(lambda: places(bench)[0][2] == 40, "the left one is narrower")
        before = places(bench)
        await bench.press("alt+1")
        await bench.main.chores.remember()
    async with workbench(tmp_path) as bench:
        await bench.until(lambda: len(bench.panes) == 2 and places(bench) == before, "as it was")
        assert bench.panes[0].has_class("-active")


async def test_a_zoomed_pane_is_zoomed_the_next_time(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.session("ctrl+t")
        await bench.press("alt+1", "alt+z")
        await bench.until(lambda: bench.panes[0].size.width > 110, "it has all the room")
        await bench.main.chores.remember()
    async with workbench(tmp_path) as bench:
        await bench.until(lambda: [pane.display for pane in bench.panes] == [True, False], "the first alone")
        await bench.press("alt+z")
        await bench.until(lambda: [pane.display for pane in bench.panes] == [True, True], "and back")


@pytest.mark.parametrize("part", ["f2", "f3", "f7"])
async def test_where_one_part_has_all_the_room_it_cannot_be_made_smaller_and_says_so(tmp_path: Path, part: str):
    async with workbench(tmp_path, size=(80, 24)) as bench:
        await bench.press(part, "alt+shift+left")
        await bench.until(lambda: "nothing beside it" in bench.news, "it says so")
        assert bench.main.query_one(Columns).sizes == Sizes()


async def test_what_was_set_on_a_large_terminal_fits_a_smaller_one_and_is_back_on_the_large_one(tmp_path: Path):
    async with workbench(tmp_path, size=(200, 50)) as bench:
        columns = bench.main.query_one(Columns)
        columns.set_sizes(Sizes(lists=90, rows=40))
        await bench.until(lambda: width(bench, "#browsers") == 90, "wide lists")
        await bench.pilot.resize_terminal(120, 30)
        await bench.until(lambda: width(bench, "#browsers") == 60, "half of the screen at most")
        await bench.until(lambda: bench.main.query_one("#sessions").size.height >= 3, "both lists are seen")
        await bench.pilot.resize_terminal(80, 24)
        await bench.until(lambda: width(bench, "#edit") == 80, "one thing at a time")
        await bench.pilot.resize_terminal(200, 50)
        await bench.until(lambda: width(bench, "#browsers") == 90, "as it was")


async def test_hiding_the_last_part_says_how_to_come_to_the_others(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.press("ctrl+b", "alt+h")
        await bench.until(lambda: bench.main.view == "chat", "the chats are left")
        await bench.press("alt+h")
        await bench.until(lambda: "F2, F3, F4 and F7" in bench.news, "it says so")
        assert width(bench, "#chat") == 120


async def test_the_names_of_parts_are_clicked_on_and_f4_goes_on_to_the_next_pane(tmp_path: Path):
    async with workbench(tmp_path, size=(80, 24)) as bench:
        await bench.session()
        await bench.session("ctrl+t")
        line = bench.shown.splitlines()[0]
        for words, view in (("F3 sessions", "sessions"), ("F2 configs", "configs"), ("F4 chat", "chat")):
            await bench.pilot.click(offset=(line.index(words) + 2, 0))
            await bench.until(lambda view=view: bench.main.view == view, f"a click on {words}")
        await bench.until(lambda: bench.panes[1].prompt.has_focus, "the second pane")
        await bench.press("f4")
        await bench.until(lambda: bench.panes[0].prompt.has_focus, "the first one")
        assert "F4 chat 1/2" in bench.shown


async def test_lists_are_laid_out_anew_when_they_get_another_width(tmp_path: Path):
    async with workbench(tmp_path, size=(80, 24)) as bench:
        await bench.press("f2")
        await bench.until(lambda: "A first agent" in bench.shown, "with room for descriptions")
        await bench.pilot.resize_terminal(120, 40)
        await bench.until(lambda: "A first agent" not in bench.main.query_one("#configs").entries.rows[0].left[-1][0])
        await bench.until(lambda: all(len(row.left) < 4 for row in bench.main.query_one("#configs").entries.rows))


def test_shares_keep_every_pane_in_sight_and_fit_what_was_remembered():
    assert Shares().heights(38, 4) == [10, 9, 9, 10] or sum(Shares().heights(38, 4)) == 38
    assert Shares().with_border([19, 19], 0, 100).heights(38, 2) == [32, 6]
    assert Shares().with_border([19, 19], 0, -100).heights(38, 2) == [6, 32]
    assert Shares(rows=(1.0, 3.0)).heights(40, 3) == [13, 14, 13]
    assert Shares.of({"left": 3.0, "heights": ["x"]}) == Shares()
    assert Shares.of({"left": 0.3, "heights": [0.25, 0.75]}) == Shares(0.3, (0.25, 0.75))
