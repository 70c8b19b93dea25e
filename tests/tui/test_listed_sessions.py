"""The session list in the workbench: deleted and taken back, attended to, marked as new."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.frontends.tui.widgets.session_list import SessionList
from agent_workbench.services.shared import open_workbench

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["one part at a time", "all parts"])


def rows(bench: Bench) -> RowList:
    return bench.main.query_one(SessionList).entries


def listed(bench: Bench) -> list[str]:
    return [row.id for row in rows(bench).rows]


async def in_list(bench: Bench, id: str) -> None:
    """Go to a session's row."""
    await bench.press("f3")
    await bench.until(lambda: rows(bench).has_focus and id in listed(bench), "the list has the focus")
    rows(bench).go_to(id)


async def quiet(bench: Bench, *titles: str) -> list[str]:
    """Make sessions that no pane shows, and return their ids."""
    config = await bench.shared.configs.find_config("hello")
    made = [await bench.shared.sessions.create_session(config.config_id, title=title) for title in titles]
    await bench.main.refresh_lists()
    return [one.session_id for one in made]


@SIZES
async def test_several_deletions_are_taken_back_one_after_the_other_without_leaving_the_list(
    tmp_path: Path, size: tuple[int, int]
):
    async with workbench(tmp_path, size) as bench:
        shown = [(await bench.session()).session_id for _ in range(2)]
        (hidden,) = await quiet(bench, "hidden")
        for id in (shown[0], hidden, shown[1]):
            await in_list(bench, id)
            await bench.press("delete")
            await bench.until(lambda id=id: id not in listed(bench), "it is off the list")
            await bench.until(lambda: rows(bench).has_focus, "the person stays")
        assert listed(bench) == []
        assert bench.panes == []
        for id in (shown[1], hidden, shown[0]):
            await bench.press("u")
            await bench.until(lambda id=id: rows(bench).row is not None and rows(bench).row.id == id, "it is back")
            await bench.until(lambda: rows(bench).has_focus, "the person stays")
        await bench.until(lambda: "is back" in bench.news, "it is said")
        assert [pane.session_id for pane in bench.panes] == [shown[1], shown[0]], "those that were open are open again"


async def test_a_deletion_that_is_taken_back_while_other_words_are_searched_is_said_and_the_search_stays(
    tmp_path: Path,
):
    async with workbench(tmp_path) as bench:
        one, other = await quiet(bench, "apples", "zebra")
        await in_list(bench, one)
        await bench.press("delete")
        await bench.until(lambda: one not in listed(bench), "it is off the list")
        await bench.press("slash")
        await bench.type("zebra")
        await bench.press("enter")
        await bench.until(lambda: listed(bench) == [other], "the list is filtered")
        await bench.press("u")
        await bench.until(lambda: "apples is back" in bench.news, "it is said")
        assert listed(bench) == [other]
        await bench.press("escape")
        await bench.until(lambda: one in listed(bench), "it is listed")


async def test_a_session_that_runs_is_stopped_when_it_is_deleted_and_has_what_was_said_when_it_is_back(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.slow_down()
        pane = await bench.session()
        await bench.say("count to 60")
        await bench.until(lambda: pane.busy and "1 2" in bench.shown, "it writes")
        id = pane.session_id
        await in_list(bench, id)
        await bench.press("delete")
        await bench.until(lambda: not bench.panes, "its pane is closed")
        assert not bench.shared.sessions.is_running(id)
        await bench.press("u")
        await bench.until(lambda: bench.panes and "count to 60" in bench.text_of(bench.panes[0]), "it is back")


async def test_the_agents_of_a_deleted_session_leave_the_list_with_it_and_come_back_with_it(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        parent, other = await quiet(bench, "parent", "other")
        sessions = bench.shared.store.sessions
        config = (await bench.shared.configs.find_config("hello")).config_id
        settings = {"agent": "helper", "depth": 1}
        child = sessions.create(config, title="child", parent_session_id=parent, settings=settings).session_id
        await bench.main.refresh_lists()
        await in_list(bench, parent)
        await bench.press("delete")
        await bench.until(lambda: listed(bench) == [other], "both are off the list")
        await bench.press("u")
        await bench.until(lambda: {parent, child} < set(listed(bench)), "both are back")
        await bench.press("delete")
        await bench.until(lambda: listed(bench) == [other], "both are off the list again")
        await bench.main.chats.listed.trash.empty()
        assert sessions.get(parent) is None
        assert sessions.get(child) is None


async def test_quitting_within_the_time_to_take_it_back_deletes_and_a_kill_does_not(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        quit, killed = await quiet(bench, "quit", "killed")
        await in_list(bench, killed)
        await bench.press("delete")
        await bench.until(lambda: killed not in listed(bench), "it is off the list")
    async with workbench(tmp_path) as bench:
        assert killed in listed(bench), "the program ended as if it was killed"
        await in_list(bench, quit)
        await bench.press("delete")
        await bench.until(lambda: quit not in listed(bench), "it is off the list")
        await bench.press("ctrl+q")
        await bench.until(lambda: bench.ended, "it ends")
    async with workbench(tmp_path) as bench:
        assert listed(bench) == [killed]


@SIZES
async def test_a_key_goes_to_the_next_session_that_needs_the_person(tmp_path: Path, size: tuple[int, int]):
    async with workbench(tmp_path, size) as bench:
        asking = []
        for _ in range(2):
            pane = await bench.session()
            await bench.say("write notes.txt with hello")
            await bench.until(lambda pane=pane: pane.question.waiting, "it asks")
            asking.append(pane.session_id)
            await bench.press("ctrl+w")
            await bench.until(lambda: not bench.panes, "no pane shows it")
        await bench.session()
        await bench.until(lambda: "2 need you" in bench.shown, "the first line counts them")
        for _ in range(2):
            before = bench.main.query_one(PaneGrid).active
            await bench.press("alt+p")
            await bench.until(lambda before=before: bench.main.query_one(PaneGrid).active is not before, "another pane")
            pane = bench.main.query_one(PaneGrid).active
            assert pane is not None
            await bench.until(lambda pane=pane: pane.question.has_focus_within, "its question has the focus")
            asking.remove(pane.session_id)
        assert asking == []
        for pane in bench.panes:
            await bench.shared.sessions.cancel(pane.session_id)


async def test_what_another_program_says_in_a_session_that_no_pane_shows_is_marked_as_new_until_it_is_opened(
    tmp_path: Path,
):
    async with workbench(tmp_path) as bench:
        (old,) = await quiet(bench, "old")
        await in_list(bench, old)
        assert "new" not in "".join(text for text, _ in rows(bench).rows[0].right)
        other = open_workbench(bench.shared.database, workspace=tmp_path / "work")
        try:
            await other.sessions.send_message(old, "my name is Ada")
        finally:
            await other.close()
        await bench.until(lambda: ("new", "muted") in rows(bench).rows[0].right, "it is marked")
        await bench.main.chores.remember()
    async with workbench(tmp_path) as bench:
        await in_list(bench, old)
        assert ("new", "muted") in rows(bench).rows[0].right, "it still is after a restart"
        await bench.press("enter")
        await bench.until(lambda: bench.panes and ("new", "muted") not in rows(bench).rows[0].right, "it was read")
