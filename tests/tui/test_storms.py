"""Too much of everything at once: sizes, pastes, clicks and keys. Nothing breaks, and it answers afterwards."""

from __future__ import annotations

import random
import sys
from itertools import cycle
from pathlib import Path

import pytest
from textual import events

from agent_workbench.conversation.events import StepStarted, TextDelta, TurnStarted
from agent_workbench.frontends.tui.widgets.pane_grid import SessionPane

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

SIZES = ((120, 40), (80, 24), (200, 50), (20, 5), (109, 30), (110, 30), (1, 1), (170, 12), (300, 100), (60, 200))
MEGABYTE = "".join(f"line {number} of a paste with a tab\tand an é\n" for number in range(26_000))


async def answers(bench: Bench) -> None:
    """Whether the workbench still does what it is asked for: a session, a prompt, an answer."""
    await bench.pilot.resize_terminal(120, 40)
    pane = bench.panes[-1] if bench.panes else await bench.session()
    await bench.press("f4")
    await bench.until(lambda: not pane.busy, "nothing runs")
    pane.prompt.draft = ""
    await bench.say("my name is Grace")
    await bench.until(lambda: "Grace" in bench.text_of(pane).rpartition("assistant:")[2], "an answer")


async def test_a_storm_of_sizes(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.say("count to 40")
        for width, height in (*SIZES, *reversed(SIZES), *SIZES):
            await bench.pilot.resize_terminal(width, height)
        await answers(bench)


async def test_a_megabyte_pasted_into_the_prompt_is_folded_and_sent_whole(tmp_path: Path):
    assert len(MEGABYTE.encode()) > 1_000_000
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        bench.app.post_message(events.Paste(MEGABYTE))
        await bench.until(lambda: pane.prompt.text, "the paste is there")
        assert len(pane.prompt.text) < 200
        await bench.press("enter")
        await bench.until(lambda: MEGABYTE.splitlines()[-1] in bench.text_of(pane), "it is stored")
        await answers(bench)


async def test_a_megabyte_pasted_into_the_editor_can_be_undone(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        before = bench.editor.text
        bench.editor.focus()
        bench.app.post_message(events.Paste(MEGABYTE))
        await bench.until(lambda: len(bench.editor.text) > 900_000, "the paste is there")
        await bench.press("x", "pagedown", "pageup", "ctrl+z", "ctrl+z")
        await bench.until(lambda: bench.editor.text == before, "it is gone again")
        await answers(bench)


async def four_streaming(bench: Bench) -> list[SessionPane]:
    """Open four panes."""
    for key in ("ctrl+n", "ctrl+t", "ctrl+t", "ctrl+t"):
        await bench.session(key)
    for pane in bench.panes:
        pane.show(TurnStarted("t", 1, "model-x"))
        pane.show(StepStarted(1, "model-x"))
    return bench.panes


MARKDOWN = "A **word** and `code`.\n\n```python\nx = [1, 2]\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n\n"


async def test_a_storm_of_clicks_while_four_panes_stream(tmp_path: Path):
    """A press on markdown that is being rebuilt crashed Textual's own widget (issue 6643)."""
    chance = random.Random(6643)
    async with workbench(tmp_path, (160, 48)) as bench:
        panes = await four_streaming(bench)
        pieces = cycle(MARKDOWN[at : at + 9] for at in range(0, len(MARKDOWN), 9))
        for _ in range(16):
            for pane in panes:
                pane.show(TextDelta(next(pieces)))
            at = (chance.randrange(160), chance.randrange(2, 47))
            await bench.pilot.mouse_down(offset=at)
            for pane in panes:
                pane.show(TextDelta(next(pieces)))
            await bench.pilot.hover(offset=(chance.randrange(160), chance.randrange(2, 47)))
            await bench.pilot.mouse_up(offset=at)
        while len(bench.app.screen_stack) > 2:
            await bench.press("escape")
        assert bench.app.is_running
        assert all(pane.is_attached for pane in bench.panes)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_storm_of_keys(tmp_path: Path, seed: int):
    keys = [
        *("a", "y", "n", "space", "slash", "at", "enter", "escape", "tab", "shift+tab", "up", "down", "left", "right"),
        *("home", "end", "pageup", "pagedown", "backspace", "delete", "ctrl+a", "ctrl+z", "ctrl+f", "ctrl+o", "ctrl+r"),
        *("f1", "f2", "f3", "f4", "f6", "f7", "alt+1", "alt+2", "alt+left", "alt+right", "alt+z", "ctrl+j", "ctrl+p"),
    ]
    chance = random.Random(seed)
    async with workbench(tmp_path) as bench:
        await bench.session()
        for _ in range(8):
            await bench.press(*chance.choices(keys, k=10))
        for _ in range(12):
            await bench.press("escape")
        assert bench.app.is_running
        assert bench.app.return_code in (None, 0)
