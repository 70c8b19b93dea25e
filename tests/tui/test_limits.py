"""What a session may use, and how much its model thinks, changed on the screen in the middle of a session."""

from __future__ import annotations

import sys
from pathlib import Path

from agent_workbench.frontends.tui.screens.pick import Name, Pick
from agent_workbench.frontends.tui.widgets.row_list import RowList

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


def settings(bench: Bench, session_id: str) -> dict[str, object]:
    session = bench.shared.store.sessions.get(session_id)
    assert session is not None
    return dict(session.settings)


async def pick(bench: Bench, id: str) -> None:
    await bench.until(lambda: isinstance(bench.app.screen, Pick), "a dialog")
    rows = bench.app.screen.query_one(RowList)
    rows.put(rows.rows, at=id)
    await bench.press("enter")


async def test_a_limit_is_picked_written_and_taken_back(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("/limits")
        await pick(bench, "tokens")
        await bench.until(lambda: isinstance(bench.app.screen, Name), "how many")
        await bench.type("5,000")
        await bench.press("enter")
        await bench.until(lambda: settings(bench, pane.session_id).get("max_tokens") == 5000, "it is kept")
        await bench.until(lambda: "max tokens 5000" in bench.shown, "and said")
        await bench.say("/limits tokens 0")
        await bench.until(lambda: "max_tokens" not in settings(bench, pane.session_id), "as the config says")


async def test_limits_and_effort_can_be_written_in_one_line_and_nonsense_changes_nothing(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        for words in ("/limits cost $0.5", "/limits steps 7", "/effort high"):
            await bench.say(words)
        wanted = {"max_cost": 0.5, "max_steps": 7, "effort": "high"}
        await bench.until(lambda: settings(bench, pane.session_id) == wanted, "all of them")
        for words in ("/limits steps many", "/limits seconds -3", "/limits cost nan"):
            await bench.say(words)
        await bench.say("/effort none")
        await bench.until(lambda: settings(bench, pane.session_id) == {**wanted, "effort": "none"}, "nothing else")
