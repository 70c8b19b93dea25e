"""Pictures of the workbench without colours, and as it is read aloud."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from agent_workbench.frontends.tui.app import WorkbenchApp
from agent_workbench.frontends.tui.screens.main import MainScreen
from agent_workbench.services.shared import SharedContext

sys.path.insert(0, str(Path(__file__).parents[1]))

from states import STATES
from workbench import Bench, opened

SMALL, USUAL = (80, 24), (120, 40)
MODES = {"colourless": "NO_COLOR", "aloud": "AWB_SCREEN_READER"}
PICTURES = [
    ("colourless", USUAL, "the text with problems"),
    ("colourless", USUAL, "adding a tool"),
    ("colourless", USUAL, "a question"),
    ("colourless", SMALL, "a block of it"),
    ("colourless", USUAL, "four panes"),
    ("colourless", SMALL, "every state of a session and a config"),
    ("aloud", SMALL, "the text with problems"),
    ("aloud", SMALL, "adding a tool"),
    ("aloud", USUAL, "a question"),
    ("aloud", SMALL, "a block of it"),
    ("aloud", SMALL, "the dialog Compare"),
    ("aloud", SMALL, "every state of a session and a config"),
]


CONFIG = """\
bundle:
  name: hello
  version: 1.0.0
providers:
  - module: provider-mock
tools:
  - module: tool-filesystem   # files of this folder
  - module: tool-search
"""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedContext]:
    """Open a workbench whose first config does not change with the sample of its name."""
    made = opened(tmp_path)
    asyncio.run(save(made))
    yield made
    made.store.close()


async def save(shared: SharedContext) -> None:
    config = await shared.configs.find_config("hello")
    await shared.configs.update_config(config.config_id, yaml_content=CONFIG)


def name(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value).replace(" ", "-")


@pytest.mark.parametrize(("mode", "size", "state"), PICTURES, ids=name)
def test_a_mode(
    snap_compare: Any,
    monkeypatch: pytest.MonkeyPatch,
    shared: SharedContext,
    mode: str,
    size: tuple[int, int],
    state: str,
):
    monkeypatch.setenv(MODES[mode], "1")
    app = WorkbenchApp(shared)

    async def before(pilot: Pilot[None]) -> None:
        bench = Bench(app, pilot, shared)
        await bench.until(lambda: isinstance(app.screen, MainScreen) and bench.main.ready, "ready")
        await bench.until(lambda: bench.editor.has_focus, "the text has the focus")
        await STATES[state](bench)
        bench.main.show_header()
        await bench.settled()

    assert snap_compare(app, terminal_size=size, run_before=before)
