"""The palette has everything by name: what fits best stands first, what was done last before it, and all is done."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent_workbench.frontends.tui.choices import CHOICE_LIST
from agent_workbench.frontends.tui.commands import COMMANDS, NEEDS, command_rows, lacking
from agent_workbench.frontends.tui.keys import keymap_path
from agent_workbench.frontends.tui.ranking import fitting
from agent_workbench.frontends.tui.screens.palette import Palette
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList
from agent_workbench.frontends.tui.widgets.session_list import SessionList

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


async def palette(bench: Bench, words: str = "") -> Sequence[Row]:
    """Open the palette, type into it, and return its rows."""
    await bench.press("ctrl+p")
    await bench.until(lambda: isinstance(bench.app.screen, Palette), "the palette")
    await bench.type(words)
    await bench.settled()
    return bench.app.screen.query_one(RowList).rows


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("spl", "session.split"),
        ("new s", "session.new"),
        ("session new", "session.new"),
        ("ns", "session.new"),
        ("rae", "session.rerun_edited"),
        ("keyring", "config.secrets"),
        ("wrkspcs", "app.workspaces"),
        ("/tags", "config.tags"),
        ("alt+z", "session.zoom"),
        ("QUIT", "app.quit"),
    ],
)
def test_what_is_typed_finds_a_command_by_its_name_its_letters_its_help_or_its_key(typed: str, first: str):
    assert fitting(list(command_rows()), typed)[0].id == f"command {first}"


def test_letters_without_an_order_find_nothing():
    assert fitting(list(command_rows()), "zqx") == []


def test_among_rows_that_fit_alike_what_was_done_last_stands_first():
    found = fitting(list(command_rows()), "copy", ["command chat.copy_code"])
    assert found[0].id == "command chat.copy_code"
    assert [row.id for row in found] != [row.id for row in fitting(list(command_rows()), "copy")]


async def test_every_command_config_session_setting_and_theme_is_in_it(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        configs, _ = await bench.shared.configs.list_configs(100)
        await bench.press("f2", "slash", *"nothing has this name")  # a filter of a list hides nothing here
        ids = {row.id for row in await palette(bench)}
        assert {f"command {one.id}" for one in COMMANDS} - ids == {"command app.palette"}
        assert {f"config {one.config_id}" for one in configs} <= ids
        assert f"session {pane.session_id}" in ids
        assert {"setting theme", "setting preset", *(f"setting {one.id}" for one in CHOICE_LIST)} <= ids
        assert {f"theme {name}" for name in bench.app.themes.by_name} <= ids


async def test_a_config_a_setting_and_a_theme_are_taken_from_it(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await palette(bench, "team")
        await bench.press("enter")
        await bench.until(lambda: "team" in str(bench.desk.border_title), "the config")
        await palette(bench, "paper")
        await bench.press("enter")
        await bench.until(lambda: bench.app.theme == "paper", "the theme")
        await palette(bench, "motion")
        await bench.press("enter")
        await bench.until(lambda: bench.app.animation_level == "none", "the setting")


async def test_what_was_done_last_stands_first_also_the_next_time(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        for words in ("sort", "history"):
            await palette(bench, words)
            await bench.press("enter")
            await bench.until(lambda: not isinstance(bench.app.screen, Palette), "it is done")
    async with workbench(tmp_path) as bench:
        first = [row.id for row in await palette(bench)][:2]
        assert first == ["command config.history", "command config.sort"]


async def test_a_command_that_lacks_something_says_what_in_its_row_and_when_it_is_chosen(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        rows = {row.id: row for row in await palette(bench)}
        assert rows["command chat.retry"].left == [("Retry                ", "muted"), (NEEDS["session"], "muted")]
        await bench.type("retry")
        await bench.press("enter")
        await bench.until(lambda: NEEDS["session"] in bench.news, "it is said")


@pytest.mark.parametrize("need", ["config", "session"])
async def test_whatever_lacks_something_says_so_however_it_is_asked_for(tmp_path: Path, need: str):
    async with workbench(tmp_path) as bench:
        if need == "config":
            bench.main.configs.config = None
        for command in COMMANDS:
            if lacking(command, set(NEEDS) - {need}):
                await bench.home()
                await bench.main.run_action(command.action)
                await bench.until(lambda: NEEDS[need] in bench.news, command.id)


async def test_the_keys_in_it_are_those_of_the_persons_keymap(tmp_path: Path):
    keymap_path().parent.mkdir(parents=True, exist_ok=True)
    keymap_path().write_text("session.split: alt+b\n", "utf-8")
    async with workbench(tmp_path) as bench:
        rows = {row.id: row for row in await palette(bench)}
        assert rows["command session.split"].right == [("alt+b", "muted")]


async def test_what_is_not_listed_can_be_searched_from_it(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: pane.state == "idle" and "Ada" in bench.text_of(pane), "an answer")
        found = await palette(bench, "nice to meet")
        assert [row.id for row in found] == ["find configs nice to meet", "find sessions nice to meet"]
        await bench.press("down", "enter")
        sessions = bench.main.query_one(SessionList)
        await bench.until(lambda: sessions.words == "nice to meet" and sessions.entries.row, "the session")
        assert sessions.entries.row.id == pane.session_id
