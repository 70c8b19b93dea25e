"""A config with several providers: whose model a session speaks to is chosen on the screen, and changed in between."""

from __future__ import annotations

import sys
from pathlib import Path

from agent_workbench.frontends.tui.screens.pick import Pick
from agent_workbench.frontends.tui.widgets.row_list import RowList

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


async def pick(bench: Bench, id: str) -> None:
    await bench.until(lambda: isinstance(bench.app.screen, Pick), "a dialog")
    rows = bench.app.screen.query_one(RowList)
    rows.put(rows.rows, at=id)
    await bench.press("enter")


async def test_a_model_is_chosen_with_its_provider_where_there_are_several(tmp_path: Path):
    second = """
  - module: provider-mock
    id: second
    config: {delay: 0, default_model: other, models: [other], priority: 200, responses: [From the second., Again.]}
tools:"""
    async with workbench(tmp_path) as bench:
        config = await bench.shared.configs.find_config("hello")
        text = config.yaml_content.replace("\ntools:", second, 1)
        await bench.shared.configs.update_config(config.config_id, yaml_content=text)
        pane = await bench.session()
        await bench.say("/model")
        await pick(bench, "other · second")
        await bench.until(lambda: pane.model == "other", "the title names it")
        await bench.say("hello")
        await bench.until(lambda: not pane.busy and "From the second." in bench.text_of(pane), "it answers")
        await bench.say("/rerun")
        await pick(bench, "mock · provider-mock")
        await bench.until(lambda: len(bench.panes) == 2 and not bench.panes[1].busy, "the other answers beside it")
        await bench.until(lambda: "assistant" in bench.text_of(bench.panes[1]), "with words")
        assert bench.shared.store.sessions.turns(bench.panes[1].session_id)[-1].model == "mock"
