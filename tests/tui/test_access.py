"""Without colours, without motion, and read aloud: laws that hold in every state of the workbench."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.widget import Widget
from textual.widgets import Input, TextArea

from agent_workbench.configs.problems import Problem
from agent_workbench.conversation.events import TextDelta, TurnStarted
from agent_workbench.frontends.tui.screens.sheet import Sheet, SheetView
from agent_workbench.frontends.tui.widgets.config_list import MARKS, ConfigList
from agent_workbench.frontends.tui.widgets.diff_view import diff_lines
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.frontends.tui.widgets.find_bar import FindBar
from agent_workbench.frontends.tui.widgets.form import Choice
from agent_workbench.frontends.tui.widgets.pane_grid import SessionPane
from agent_workbench.frontends.tui.widgets.prompt import PromptRow
from agent_workbench.frontends.tui.widgets.question import QuestionCard
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.frontends.tui.widgets.said import Said
from agent_workbench.frontends.tui.widgets.session_list import STATES as SESSION_STATES
from agent_workbench.frontends.tui.widgets.tab_line import TabLine
from agent_workbench.frontends.tui.widgets.transcript import Transcript
from terminal_kit import Terminal

sys.path.insert(0, str(Path(__file__).parent))

from looks import Cell, cells, colours
from seen import Step, keys
from states import QUESTION, STATES, asking, chat
from test_keys_of_dialogs import at_choice, by, command, made
from test_keys_of_lists_and_text import PLACES
from workbench import Bench, opened, workbench

AWB = [sys.executable, "-m", "agent_workbench"]
#: Frames, blocks, shapes, ticks and turning arrows: drawn, not written.
DRAWN = re.compile("[\u2440-\u245f\u2500-\u25ff\u2600-\u27bf\u2800-\u28ff\u21a9-\u21bf\u2b00-\u2bff\u276f]")


def no_colour(bench: Bench) -> None:
    assert not colours(bench.app)


def read_aloud(bench: Bench) -> None:
    drawn = {letter for line in cells(bench.app) for letter, _ in line if DRAWN.match(letter)}
    assert not drawn, f"{drawn} in\n{bench.shown}"
    screen = bench.app.screen
    if screen.focused is not None:
        at = next((one for one in screen.query(RowList) if one.walked and one.region.area), screen.focused)
        assert at.region.contains_point(bench.app.cursor_position), f"the cursor is not at {at}\n{bench.shown}"
        assert str(screen.query_one(Said).render()).strip(), "nothing says what has the focus"


def still(bench: Bench) -> None:
    assert bench.app.animation_level == "none"
    for widget in bench.app.screen.walk_children(Widget):
        assert not widget.auto_refresh, f"{widget} paints by itself"
        assert not (isinstance(widget, Input | TextArea) and widget.cursor_blink), f"{widget} blinks"
        assert not bench.app.animator.is_being_animated(widget, "scroll_y"), f"{widget} slides"


Law = Callable[[Bench], None]
MODES: Mapping[str, tuple[Sequence[str], Sequence[Law]]] = {
    "without colours and motion": (("NO_COLOR", "AWB_NO_MOTION"), (no_colour, still)),
    "read aloud": (("AWB_SCREEN_READER",), (read_aloud, still)),
}


@pytest.mark.parametrize("mode", MODES)
async def test_the_laws_of_a_mode_hold_in_every_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str):
    variables, laws = MODES[mode]
    for variable in variables:
        monkeypatch.setenv(variable, "1")
    broken: list[str] = []
    async with workbench(tmp_path) as bench:
        for name, there in STATES.items():
            await bench.home()
            await there(bench)
            await bench.pilot.pause()
            for law in laws:
                try:
                    law(bench)
                except AssertionError as error:
                    broken.append(f"{name}, {law.__name__}: {error}")
    assert not broken, "\n\n".join(broken)


@dataclass(frozen=True)
class Fact:
    """What a widget is looked at for, and how a person comes from a place to where it is so."""

    of: type[Widget]
    there: Step
    so: Step


def page(line: str) -> Sheet:
    """Return a page with a line of a diff; its sign is left out, to see what else tells it apart."""
    return Sheet("A change", lambda width: [run[1:] for run in diff_lines(line, width)])


def problems(*severities: str) -> Step:
    async def mark(bench: Bench) -> None:
        bench.editor.set_problems(tuple(Problem(one, "wrong", 2, 3) for one in severities))  # type: ignore[arg-type]

    return mark


in_text = PLACES["YamlEditor"].there
FACTS: Mapping[str, Fact] = {
    "the part with the focus": Fact(ConfigList, in_text, keys("f2")),
    "the pane with the focus": Fact(PromptRow, chat(), keys("f2")),
    "the row under the cursor": Fact(RowList, PLACES["RowList"].there, keys("down")),
    "a list without the focus": Fact(RowList, PLACES["RowList"].there, keys("f7")),
    "the tab": Fact(TabLine, PLACES["PlanView"].there, PLACES["ProblemList"].there),
    "the cursor in the text": Fact(YamlEditor, in_text, keys("right")),
    "a selection in the text": Fact(YamlEditor, in_text, keys("shift+right", "shift+right")),
    "a selection in a line": Fact(FindBar, PLACES["FindBar"].there, keys("shift+home")),
    "a line with a problem": Fact(YamlEditor, problems(), problems("error")),
    "an error and a warning": Fact(YamlEditor, problems("error"), problems("warning")),
    "a find in the text": Fact(YamlEditor, PLACES["FindBar"].there, keys("enter")),
    "a value with the focus": Fact(Choice, by("alt+a", "enter", title="Add a"), at_choice),
    "the block under the cursor": Fact(Transcript, STATES["a block of it"], keys("down")),
    "a find in what was said": Fact(Transcript, chat(), STATES["a find in it"]),
    "a turn that runs": Fact(SessionPane, chat(), chat(TurnStarted("t"), TextDelta("a"))),
    "a question": Fact(SessionPane, chat(), asking(QUESTION)),
    "a question with the focus": Fact(QuestionCard, asking(QUESTION), keys("tab")),
    "lines that come and go": Fact(SheetView, made(lambda: page("+one")), made(lambda: page("-one"))),
    "a theme under the cursor": Fact(RowList, command("do('theme')", "Theme"), keys("down")),
}


def looked_at(bench: Bench, kind: type[Widget]) -> list[list[Cell]]:
    """Return what is painted of the first widget of a kind that is seen; nothing where none is."""
    found = next((one for one in bench.app.screen.query(kind) if one.region.area), None)
    return cells(bench.app, found.region) if found is not None else []


async def test_what_a_colour_tells_is_told_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    untold: list[str] = []
    async with workbench(tmp_path) as bench:
        await bench.session()
        for name, fact in FACTS.items():
            await bench.home()
            await fact.there(bench)
            await bench.pilot.pause()
            before = looked_at(bench, fact.of)
            await fact.so(bench)
            await bench.pilot.pause()
            if looked_at(bench, fact.of) == before:
                untold.append(name)
    assert not untold


def test_no_two_states_have_the_same_sign():
    for signs in ([sign for (sign, _), _ in SESSION_STATES.values()], [sign for sign, _ in MARKS.values()]):
        assert len(set(signs)) == len(signs)


COLOUR = re.compile(rb"(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])")
"""A parameter of SGR that sets a colour."""


def painted_with_colours(raw: bytes) -> set[bytes]:
    """Return what a program wrote to set a colour, or to ask for one of the terminal's to be another."""
    graphic = re.findall(rb"\x1b\[([\d;:]*)m", raw)
    return {one for one in graphic if any(COLOUR.fullmatch(part) for part in re.split(b"[;:]", one))}


def test_no_colour_code_leaves_the_program_from_its_first_frame_on(tmp_path: Path):
    """Neither where the environment asks for none, nor where a person chose so the last time."""
    (tmp_path / "work").mkdir()
    env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "AWB_DB": str(tmp_path / "bench.db")}
    for more in ({"NO_COLOR": "1"}, {}):
        with Terminal(AWB, env={**env, **more}, cwd=tmp_path / "work", size=(120, 40)) as awb:
            awb.until("F1 help", "module: provider-mock", what="a start")
            awb.press("f2")
            awb.send(b"\x10")
            awb.until("Commands", what="the palette")
            awb.press("escape", "ctrl+q")
            awb.ended()
            assert not painted_with_colours(awb.raw)
        with closing(opened(tmp_path).store) as store:
            store.remember("tui.choices", {"colour": "off"})


def test_the_terminals_cursor_is_shown_where_the_screen_is_read_aloud(tmp_path: Path):
    env = {**os.environ, "TERM": "xterm-256color", "AWB_DB": str(tmp_path / "bench.db"), "AWB_SCREEN_READER": "1"}
    with Terminal(AWB, env=env, cwd=tmp_path, size=(80, 24)) as awb:
        awb.until("F1 help", "hello · rev 1: text", what="what has the focus, in words")
        awb.press("f2")
        awb.until("Configs: list")
        awb.until(lambda: "hello" in awb.lines[awb.screen.cursor.y], what="the cursor on the row")
        assert not awb.screen.cursor.hidden
        awb.press("ctrl+q")
        awb.ended()
