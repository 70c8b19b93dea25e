"""Every widget there is shows hostile text as text; a widget that nobody made an example of fails the test."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.geometry import Offset
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget

import agent_workbench.frontends.tui as tui
from agent_workbench.configs.complete import Completion
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.fields import Field
from agent_workbench.configs.plan import AgentSpec, Document, Origin, Plan
from agent_workbench.configs.problems import Problem
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.jump import Jump, Target
from agent_workbench.frontends.tui.screens.add_entry import AddEntry, Addition, Offer
from agent_workbench.frontends.tui.screens.help import Help
from agent_workbench.frontends.tui.screens.opening import Opening
from agent_workbench.frontends.tui.screens.palette import Palette
from agent_workbench.frontends.tui.screens.pick import Name, Pick, options
from agent_workbench.frontends.tui.screens.settings import Settings
from agent_workbench.frontends.tui.screens.source import SourceView
from agent_workbench.frontends.tui.screens.theme_picker import ThemePicker
from agent_workbench.frontends.tui.screens.trust import TrustTexts
from agent_workbench.frontends.tui.themes import Themes
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.change_view import ChangeView, change_lines
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.frontends.tui.widgets.editor_pane import Completions, EditorPane
from agent_workbench.frontends.tui.widgets.find_bar import FindBar
from agent_workbench.frontends.tui.widgets.first_look import FirstLook
from agent_workbench.frontends.tui.widgets.form import Choice, FieldRow, Form
from agent_workbench.frontends.tui.widgets.history import History
from agent_workbench.frontends.tui.widgets.inputs import LineInput, SafeArea
from agent_workbench.frontends.tui.widgets.plan_view import PlanView
from agent_workbench.frontends.tui.widgets.problems import ProblemList
from agent_workbench.frontends.tui.widgets.row_list import LedList, Row, RowList
from agent_workbench.frontends.tui.widgets.said import Said
from agent_workbench.frontends.tui.widgets.tour import Tour
from agent_workbench.services.restraint import Held
from agent_workbench.services.trust import Doubt
from agent_workbench.storage.glimpse import Glimpse
from agent_workbench.storage.records import Revision

sys.path.insert(0, str(Path(__file__).parent))

from looks import HOSTILE, assert_inert, settled

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
H = HOSTILE.replace("\ud800", "")
"""What reaches a widget as a whole text; lone surrogates are refused where texts come in."""


def ours() -> dict[str, type[Widget]]:
    """Return every widget class of the terminal workbench, wherever in it."""
    for info in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        importlib.import_module(info.name)
    return {kind.__name__: kind for kind in below(Widget) if kind.__module__.startswith(f"{tui.__name__}.")}


def below(kind: type[Widget]) -> Iterator[type[Widget]]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


ELSEWHERE = {
    "test_hostile_names.py": {
        "MainScreen", "PartedScreen", "Columns", "Desk", "PaneGrid", "SessionPane", "Browser", "ConfigList",
        "SessionList", "KeyFooter", "TabLine", "CompletingEditor", "PaintedArea", "LineArea",
    },
    "test_chat_hostile.py": {
        "ChatPane", "SessionView", "Transcript", "BlockView", "FindLine", "StatusLine", "TodoPanel", "PromptRow",
        "Compare", "ConfirmChange", "Console", "Dialog", "Framed", "ConsoleRows", "Sheet", "SheetView",
    },
    "test_prompt.py": {"PromptArea", "Offers", "SteadyArea"},
    "test_question.py": {"QuestionCard", "Preview", "Reason"},
}  # fmt: skip
"""Widgets whose hostile texts stand in another test, by its file."""


def row() -> Row:
    return Row("a", [(clean_line(H), "strong")], [(clean_line(H), "muted")])


Made = tuple[Widget, Callable[[], object]]


def told(kind: type[Widget], tell: Callable[[Any], object], *args: Any) -> Callable[[], Made]:
    """Return what makes a widget, and what is called once it is mounted."""

    def make() -> Made:
        widget = kind(*args)
        return widget, lambda: tell(widget)

    return make


def nothing(_: object) -> None:
    """Nothing is to be told."""


async def none() -> list[Row]:
    return [row()]


async def change(_: str) -> None:
    """Nothing is to be changed."""


FIELD = Field("k", "text", H)
PROBLEM = Problem("error", H, 1, 1, H, H, source=H)
PLAN = Plan(H, H, H, {"tools": [{"module": H, "config": {H: H}}]}, H, {}, ((H, H),), {H: AgentSpec(H, H)},
            {f"tools[{H}]": (Origin(H, 1),)})  # fmt: skip
ADDITION = Addition(H, "a: 1\n", [Offer(H, H, H, (FIELD,), {"k": H})], lambda *_: Edit(0, "", f"# {H}\n", H))
REVISIONS = [Revision("c", 2, f"a: {H}\n", "", NOW, H, H), Revision("c", 1, f"b: {H}\n", "", NOW, H, H)]
DOUBT = Doubt(Document(H, H, H, True, f"a: {H}\n"), (Held("program", H, H, Origin(H, 1)),), "a: 1\n", H)
THEMES = Themes({"textual-dark": Theme("textual-dark", "#000000")}, {"textual-dark": H}, (Problem("warning", H),))

GLIMPSE = Glimpse((("a", H, H),), "a", 1, H, {})

EXAMPLES: dict[str, Callable[[], Made]] = {
    "Bar": told(Bar, lambda bar: bar.put([(clean_line(H), "")], [(clean_line(H), "")])),
    "ChangeView": told(ChangeView, lambda view: view.show(change_lines(H, f"{H} x"))),
    "YamlEditor": told(YamlEditor, lambda editor: editor.set_problems((Problem("error", H, 1, 1, hint=H),)), H),
    "EditorPane": told(EditorPane, lambda pane: pane.editor.load(H)),
    "Completions": told(Completions, lambda list_: list_.offer((Completion(clean_line(H), H, 0, H),), Offset(1, 1))),
    "FindBar": told(FindBar, lambda bar: bar.open("find", H)),
    "Choice": told(Choice, nothing, [H], H, H),
    "FieldRow": told(FieldRow, lambda one: setattr(one, "wrong", H), FIELD, H, 9),
    "Form": told(Form, nothing, (FIELD, Field("y", "yaml", H)), {"k": H, "y": [H]}),
    "History": told(History, lambda view: view.show(REVISIONS)),
    "LineInput": told(LineInput, nothing, clean_line(H)),
    "SafeArea": told(SafeArea, nothing, H),
    "LinesView": told(RowList, nothing),
    "RowList": told(RowList, lambda list_: list_.put([row()])),
    "LedList": told(LedList, lambda list_: list_.put([row()])),
    "PlanView": told(PlanView, lambda view: view.show(PLAN)),
    "ProblemList": told(ProblemList, lambda view: view.show((PROBLEM,))),
    "Said": told(Said, lambda said: said.say(H)),
    "FirstLook": told(FirstLook, nothing, GLIMPSE),
    "Opening": told(Opening, nothing, GLIMPSE),
    "Tour": told(Tour, lambda tour: tour.begin()),
    "AddEntry": told(AddEntry, nothing, ADDITION),
    "Help": told(Help, nothing, H, [row()]),
    "Name": told(Name, nothing, H, H),
    "Pick": told(Pick, nothing, H, options(("a", H))),
    "Palette": told(Palette, nothing, options(("a", H)), ("a",), lambda _: options(("b", H))),
    "Settings": told(Settings, nothing, none, change, change, lambda _: H),
    "SourceView": told(SourceView, nothing, H, f"a: {H}", 1),
    "ThemePicker": told(ThemePicker, nothing, THEMES, "textual-dark"),
    "TrustTexts": told(TrustTexts, nothing, H, [DOUBT]),
    "Jump": told(Jump, nothing, [Target(1, 1, lambda: None)]),
}


class Host(App[None]):
    """Shows one widget or screen."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, make: Callable[[], Made]) -> None:
        super().__init__()
        self.make = make

    def on_mount(self) -> None:
        widget, self.tell = self.make()
        if isinstance(widget, Screen):
            self.push_screen(widget)
        else:
            self.mount(widget)


@pytest.mark.parametrize("name", EXAMPLES)
async def test_hostile_text_is_only_something_to_read(name: str):
    host = Host(EXAMPLES[name])
    async with host.run_test(size=(90, 30)) as pilot:
        await pilot.pause()
        host.tell()
        await settled(pilot)
        assert_inert(host)


def test_every_widget_has_an_example():
    known = set(EXAMPLES).union(*ELSEWHERE.values())
    assert set(ours()) - known == set(), "make an example of it here, or name the test that does"
    assert known - set(ours()) == set(), "there is no such widget any more"


@pytest.mark.parametrize("file", ELSEWHERE)
def test_the_other_tests_are_there(file: str):
    text = (Path(__file__).parent / file).read_text("utf-8")
    assert "HOSTILE" in text or "NASTY" in text
