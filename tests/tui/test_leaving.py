"""The ways out of the workbench: nothing is lost without a question, and an editor that cannot be run is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


async def open_dialog(bench: Bench, key: str) -> None:
    await bench.press(key)
    await bench.until(lambda: bench.dialog, f"{key} opens a dialog")


@pytest.mark.parametrize("key", ["f12", "ctrl+p", "f1"])
async def test_leaving_from_a_dialog_asks_about_running_turns_once(tmp_path: Path, key: str):
    async with workbench(tmp_path) as bench:
        await bench.slow_down()
        pane = await bench.session()
        await bench.say("count to 20")
        await bench.until(lambda: pane.busy, "the turn runs")
        await open_dialog(bench, key)
        await bench.press("ctrl+q")
        await bench.until(lambda: bench.dialog == "Quit", "it asks")
        await bench.press("ctrl+q")
        await bench.settled()
        assert not bench.ended, "a second time is no answer"
        await bench.press("down", "enter")
        await bench.until(lambda: bench.dialog not in ("", "Quit"), "the dialog is there again")
        assert pane.busy
        await bench.press("ctrl+q")
        await bench.until(lambda: bench.dialog == "Quit", "it asks again")
        await bench.press("enter")
        await bench.until(lambda: bench.ended, "it ends")


async def test_leaving_from_a_dialog_asks_about_text_that_is_not_saved(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        bench.editor.focus()
        await bench.press("x")
        await bench.until(lambda: bench.editor.dirty, "it is not saved")
        await open_dialog(bench, "f12")
        await bench.press("ctrl+q")
        await bench.until(lambda: bench.dialog not in ("", "Settings"), "it asks")
        assert not bench.ended


@pytest.mark.parametrize(
    ("program", "can_suspend", "said"),
    [
        ("vi", False, "cannot be handed to another program"),
        ("/no/such/editor", True, "cannot be run"),
        ("vi 'unclosed", True, "cannot be run"),
    ],
    ids=["no terminal", "no program", "no command"],
)
async def test_an_editor_that_cannot_be_run_is_said_and_the_text_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, can_suspend: bool, said: str
):
    monkeypatch.setenv("VISUAL", program)
    monkeypatch.setattr(HeadlessDriver, "can_suspend", can_suspend)
    async with workbench(tmp_path) as bench:
        bench.editor.focus()
        text = bench.editor.text
        await bench.press("ctrl+g")
        await bench.until(lambda: said in bench.news.replace("\n", " "), "it is said")
        assert bench.editor.text == text
        pane = await bench.session()
        await bench.type("some words")
        await bench.press("ctrl+g")
        await bench.until(lambda: bench.news.count("No external editor") == 2, "it is said of the prompt too")
        assert pane.prompt.text == "some words"
