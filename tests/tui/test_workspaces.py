"""Workspaces: open panes kept under a name, brought back, named anew, forgotten."""

from __future__ import annotations

import sys
from pathlib import Path

from agent_workbench.frontends.tui.app import WorkbenchApp
from agent_workbench.frontends.tui.screens.main import MainScreen
from agent_workbench.frontends.tui.screens.pick import Name, Pick
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.pane_layout import Shares
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.services.arrangements import Arrangement, arrangements, keep_arrangement

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, opened, workbench


async def pick(bench: Bench, *ids: str) -> None:
    """Choose rows by their ids, one dialog after the other."""
    for id in ids:
        await bench.until(lambda id=id: id in offered(bench), f"a dialog offers {id}")
        rows = bench.app.screen.query_one(RowList)
        rows.put(rows.rows, at=id)
        await bench.press("enter")


def offered(bench: Bench) -> list[str]:
    """The ids of what the dialog that is open offers."""
    return [row.id for row in bench.app.screen.query_one(RowList).rows] if isinstance(bench.app.screen, Pick) else []


async def name(bench: Bench, words: str) -> None:
    """Write a name into the dialog that asks for one."""
    await bench.until(lambda: isinstance(bench.app.screen, Name), "the name is asked for")
    bench.app.screen.query_one(LineInput).value = ""
    await bench.type(words)
    await bench.press("enter")


async def kept(bench: Bench) -> dict[str, Arrangement]:
    return dict(await arrangements(bench.shared))


async def test_panes_are_kept_under_a_name_with_their_sizes_and_brought_back(tmp_path: Path):
    async with workbench(tmp_path, (200, 50)) as bench:
        one, two = await bench.session(), await bench.session("ctrl+t")
        ids = [one.session_id, two.session_id]
        grid = bench.main.query_one(PaneGrid)
        grid.shares = Shares(left=0.7)
        await bench.press("alt+1")
        await bench.say("/workspaces")
        await pick(bench, "+")
        await name(bench, "both")
        await bench.until(lambda: "Kept as both" in bench.news, "it is kept")
        await bench.press("alt+2", "ctrl+w")
        await bench.until(lambda: len(bench.panes) == 1, "one is closed")
        grid.shares = Shares()
        await bench.say("/workspaces")
        await pick(bench, "=both")
        await bench.until(lambda: [pane.session_id for pane in bench.panes] == ids, "both are back")
        await bench.until(lambda: bench.panes[0].prompt.has_focus, "the one that was active has the focus")
        assert grid.shares.left == 0.7


async def test_a_workspace_is_renamed_replaced_and_forgotten(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        one = await bench.session()
        await bench.say("/workspaces first")
        await bench.until(lambda: "Kept as first" in bench.news, "it is kept")
        await bench.say("/workspaces")
        await pick(bench, "~", "first", "rename")
        await name(bench, "second")
        await bench.until(lambda: "first is second now" in bench.news, "it is renamed")
        two = await bench.session("ctrl+t")
        await bench.say("/workspaces")
        await pick(bench, "~", "second", "replace")
        await bench.until(lambda: "Kept as second" in bench.news, "it is replaced")
        assert (await kept(bench))["second"].sessions == (one.session_id, two.session_id)
        await bench.say("/workspaces")
        await pick(bench, "~", "second", "forget")
        await bench.until(lambda: "Forgot second" in bench.news, "it is forgotten")
        assert await kept(bench) == {}


async def test_a_name_that_is_taken_is_asked_about_and_one_cannot_be_renamed_to(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        before = Arrangement(sessions=("a", "b", "c"))
        for one in ("first", "second"):
            await keep_arrangement(bench.shared, one, before)
        pane = await bench.session()
        await bench.say("/workspaces")
        await pick(bench, "+")
        await name(bench, "first")
        await bench.until(lambda: "no" in offered(bench), "it is asked")
        assert "in place of its 3 panes" in bench.shown
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, MainScreen), "the answer is no at first")
        assert (await kept(bench))["first"] == before
        await bench.say("/workspaces")
        await pick(bench, "+")
        await name(bench, "first")
        await pick(bench, "yes")
        await bench.until(lambda: "Kept as first" in bench.news, "it is kept in its place")
        assert (await kept(bench))["first"].sessions == (pane.session_id,)
        await bench.say("/workspaces")
        await pick(bench, "~", "second", "rename")
        await name(bench, "first")
        await bench.until(lambda: "there is a workspace first already" in bench.news, "it is refused")


async def test_deleted_sessions_of_a_workspace_are_counted_and_where_all_are_nothing_is_closed(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        one, two = await bench.session(), await bench.session("ctrl+t")
        ids = [one.session_id, two.session_id]
        await keep_arrangement(bench.shared, "half", Arrangement(sessions=(ids[0], "gone"), active=1))
        await keep_arrangement(bench.shared, "none", Arrangement(config="gone", sessions=("gone", "gone too")))
        await bench.say("/workspaces none")
        await bench.until(lambda: "All sessions of none are deleted; nothing was closed" in bench.news, "it is said")
        assert [pane.session_id for pane in bench.panes] == ids
        await bench.say("/workspaces half")
        await bench.until(lambda: "1 of the 2 sessions of half is deleted" in bench.news, "it is said")
        await bench.until(lambda: [pane.session_id for pane in bench.panes] == ids[:1], "what is left is shown")
        await bench.until(lambda: bench.panes[0].prompt.has_focus, "the pane that is left has the focus")


async def test_the_workbench_opens_with_a_workspace_in_place_of_what_was_open(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        one, two = await bench.session(), await bench.session("ctrl+t")
        ids = [one.session_id, two.session_id]
        await bench.say("/workspaces both")
        await bench.until(lambda: "Kept as both" in bench.news, "it is kept")
        await bench.press("ctrl+w")
        await bench.until(lambda: len(bench.panes) == 1, "one is closed")
        await bench.main.chores.remember()
    shared = opened(tmp_path)
    app = WorkbenchApp(shared, workspace="both")
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            again = Bench(app, pilot, shared)
            await again.until(lambda: isinstance(app.screen, MainScreen) and again.main.ready, "it is open")
            assert [pane.session_id for pane in again.panes] == ids
            await again.until(lambda: again.panes[1].prompt.has_focus, "the active pane has the focus")
    finally:
        await shared.close()
