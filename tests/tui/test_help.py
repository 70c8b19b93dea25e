"""F1 says what a person does where they are, in every part of the screen; how far every command is away."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from test_every_widget import ours
from textual.screen import Screen
from textual.widget import Widget

from agent_workbench.frontends.tui.commands import COMMANDS
from agent_workbench.frontends.tui.names import NAMES
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.screens.help import ABOUT, Help, about

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

PARTS = {
    "ConfigList": ("f2",),
    "SessionList": ("f3",),
    "CompletingEditor": ("f7",),
    "FindBar": ("f7", "ctrl+f"),
    "PlanView": ("f7", "f6"),
    "ProblemList": ("f7", "f6", "f6"),
    "History": ("f7", "f6", "f6", "f6"),
    "PromptArea": ("f4",),
    "FindLine": ("f4", "ctrl+f"),
}
"""Keys that lead into each part."""


@pytest.mark.parametrize("name", PARTS)
async def test_the_help_begins_with_what_is_done_in_the_part_with_the_focus(tmp_path: Path, name: str):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.press(*PARTS[name])
        await bench.until(lambda: told(bench) == ABOUT[name], f"the focus in {name}")
        await bench.press("f1")
        await bench.until(lambda: isinstance(bench.app.screen, Help), "the help")
        await bench.until(lambda: ABOUT[name].split()[-1] in bench.shown, "its words")


def told(bench: Bench) -> str:
    return about(bench.main.focused)


async def test_everything_that_can_have_the_focus_is_in_a_part_that_is_told(tmp_path: Path):
    async with workbench(tmp_path, (200, 50)) as bench:
        await bench.session()
        for tab in ("Edit", "Plan", "Problems", "History"):
            bench.desk.show_tab(tab, focus=True)
            await bench.settled()
            untold = [widget for widget in bench.main.focus_chain if about(widget) not in ABOUT.values()]
            assert untold == [], tab


@pytest.mark.parametrize("name", sorted(name for name, kind in ours().items() if issubclass(kind, Dialog)))
def test_every_dialog_says_what_is_done_in_it(name: str):
    kind = ours()[name]
    assert kind is Dialog or kind.ABOUT.endswith(".")  # type: ignore[attr-defined]
    assert kind is Dialog or NAMES[name] == "dialog"


def test_nothing_is_told_of_what_is_gone():
    assert set(ABOUT) <= set(ours())
    kinds = {name for name, kind in ours().items() if issubclass(kind, (Widget, Screen))}
    assert set(NAMES) - kinds <= {"WorkbenchApp"}


def test_every_command_has_a_key_or_is_two_steps_away_by_its_name():
    """One key press where it has a key; else ctrl+p and its name, or / and its name in the prompt: never a menu."""
    assert all(one.key or one.slash for one in COMMANDS)
    names = [one.title for one in COMMANDS]
    assert len(names) == len(set(names)), "a name finds one command"
