"""A key that nobody presses in a test fails here: every binding there is, and every widget that hears keys itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import agent_workbench.frontends.tui as tui
from agent_workbench.frontends.tui.commands import COMMANDS

sys.path.insert(0, str(Path(__file__).parent))

from test_every_command import OUTCOMES
from test_keys_of_chats import PLACES as CHATS
from test_keys_of_dialogs import DIALOGS
from test_keys_of_lists_and_text import PLACES as LISTS

PLACES = {**LISTS, **CHATS, **DIALOGS}
HEARS = {
    "Jump": DIALOGS["Jump"].cases,
    "Choice": "test_form.py",
    "Opening": "test_app.py",
    "Transcript": CHATS["Transcript"].cases,
    "QuestionCard": CHATS["QuestionCard"].cases,
    "YamlEditor": LISTS["YamlEditor"].cases,
    "CompletingEditor": LISTS["CompletingEditor"].cases,
    "PromptArea": CHATS["PromptArea"].cases,
}
"""The widgets that handle keys beside their bindings, and where those keys are pressed."""
ON_KEY = ("on_key", "_on_key")


def kinds() -> Iterator[type[DOMNode]]:
    for info in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        module = importlib.import_module(info.name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, DOMNode) and kind.__module__ == info.name:
                yield kind


def own_keys(kind: type[DOMNode]) -> set[str]:
    return {one.key for one in Binding.make_bindings(kind.__dict__.get("BINDINGS", ()))}


#: F1 and alt+j of every dialog are pressed in the test that each fits.
ELSEWHERE = {"Dialog"}
BOUND = sorted(kind.__name__ for kind in kinds() if own_keys(kind) and kind.__name__ not in ELSEWHERE)


@pytest.mark.parametrize("name", BOUND)
def test_every_key_is_pressed_in_a_test(name: str):
    kind = next(one for one in kinds() if one.__name__ == name)
    pressed = set(PLACES[name].cases) if name in PLACES else set()
    if name == "MainScreen":
        pressed |= {key for one in COMMANDS if one.id in OUTCOMES for key in one.key.split(",")}
    assert own_keys(kind) - pressed == set(), f"say what is seen after it in the cases of {name}"


def test_every_widget_that_hears_keys_itself_is_pressed_in_a_test():
    hearing = {kind.__name__ for kind in kinds() if any(name in kind.__dict__ for name in ON_KEY)}
    assert hearing <= set(HEARS)
    assert not [kind for kind in kinds() if any(name.startswith("key_") for name in kind.__dict__)]
