"""Pictures of the workbench: the main states at the three sizes, the dialogs, and every theme."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from agent_workbench.frontends.tui.app import WorkbenchApp
from agent_workbench.frontends.tui.screens.main import MainScreen
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.paths import shipped
from agent_workbench.services.shared import SharedContext

sys.path.insert(0, str(Path(__file__).parents[1]))

from workbench import Bench, opened

SMALL, USUAL, LARGE = (80, 24), (120, 40), (200, 50)
SIZES = [pytest.param(size, id=f"{size[0]}x{size[1]}") for size in (SMALL, USUAL, LARGE)]
THEMES = sorted(path.stem for path in shipped("themes").glob("*.yaml"))

BROKEN = """\
bundle:
  name: broken
providers:
  - module: provider-mock
    config:
      delay: soon
tools:
  - module: tool-bsh
  - module: tool-search
"""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedContext]:
    made = opened(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def look(shared: SharedContext, snap_compare: Any) -> Callable[..., None]:
    """Open the workbench, do something, and hold the picture against the one that was looked at."""

    def compare(size: tuple[int, int], do: Callable[[Bench], Any] | None = None) -> None:
        app = WorkbenchApp(shared)

        async def before(pilot: Pilot[None]) -> None:
            bench = Bench(app, pilot, shared)
            await bench.until(lambda: isinstance(app.screen, MainScreen) and bench.main.ready, "ready")
            await bench.until(lambda: bench.editor.has_focus, "the text has the focus")
            if do is not None:
                await do(bench)
            await bench.settled()

        assert snap_compare(app, terminal_size=size, run_before=before)

    return compare


async def two_sessions(bench: Bench) -> None:
    one = await bench.session()
    await bench.say("my name is Ada")
    await bench.until(lambda: not one.busy and "assistant" in bench.text_of(one), "an answer")
    two = await bench.session("ctrl+t")
    await bench.say("count to 12")
    await bench.until(lambda: not two.busy and "12" in bench.text_of(two)[20:], "an answer")
    await bench.until(lambda: two.session_title == "count to 12", "a title")


async def four_sessions(bench: Bench) -> None:
    await two_sessions(bench)
    for words in ("what is my name?", "what can you do?"):
        pane = await bench.session("ctrl+t")
        await bench.say(words)
        await bench.until(lambda pane=pane: not pane.busy and "assistant" in bench.text_of(pane), "an answer")  # type: ignore[misc]
        await bench.until(lambda pane=pane, words=words: pane.session_title == words, "a title")  # type: ignore[misc]


async def broken(bench: Bench) -> None:
    bench.editor.load(BROKEN)
    await bench.until(lambda: bench.editor.problems, "the problems")


async def add_tool(bench: Bench) -> None:
    await bench.press("alt+a", "enter")
    await bench.until(lambda: bench.app.screen.query("#words"), "the dialog")
    await bench.type("bash")
    await bench.until(lambda: "tool-bash" in str(bench.app.screen.query_one("#change").lines), "the change")  # type: ignore[attr-defined]
    await bench.press("tab", "2", "0")
    await bench.until(lambda: "timeout: 20" in str(bench.app.screen.query_one("#change").lines), "the setting")  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", SIZES)
def test_the_first_run(look: Callable[..., None], size: tuple[int, int]):
    look(size)


@pytest.mark.parametrize("size", SIZES)
def test_two_sessions_side_by_side(look: Callable[..., None], size: tuple[int, int]):
    look(size, two_sessions)


@pytest.mark.parametrize("size", SIZES)
def test_four_sessions(look: Callable[..., None], size: tuple[int, int]):
    look(size, four_sessions)


@pytest.mark.parametrize("size", SIZES)
def test_problems_in_the_text(look: Callable[..., None], size: tuple[int, int]):
    look(size, broken)


@pytest.mark.parametrize("size", SIZES)
def test_adding_a_tool(look: Callable[..., None], size: tuple[int, int]):
    look(size, add_tool)


@pytest.mark.parametrize(("name", "keys"), [("plan", ("f6",)), ("configs", ("f2",)), ("commands", ("ctrl+p",))])
def test_one_key_away(look: Callable[..., None], name: str, keys: tuple[str, ...]):
    async def do(bench: Bench) -> None:
        await bench.press(*keys)

    look(SMALL, do)


@pytest.mark.parametrize("theme", [name for name in THEMES if name != "ink"])
def test_every_theme(look: Callable[..., None], theme: str):
    async def do(bench: Bench) -> None:
        bench.app.theme = theme
        await broken(bench)
        assert bench.main.query_one(PaneGrid).panes == []

    look(USUAL, do)
