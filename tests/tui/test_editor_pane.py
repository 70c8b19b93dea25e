"""Around the editor: completion, find and replace, go to a line, help for what the cursor is on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from looks import settled, until
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from agent_workbench.configs.modules import Module, ModuleConfig, catalog
from agent_workbench.configs.problems import Problem
from agent_workbench.frontends.tui.finding import NoPattern, matches, next_match, replacement
from agent_workbench.frontends.tui.themes import load_themes
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.editor_pane import EditorPane
from agent_workbench.frontends.tui.widgets.find_bar import FindBar

TEXT = "tools:\n  - module: tool-web\n    config:\n      engine: duck\n  - module: tool-web2\n"


class Web(ModuleConfig):
    engine: Literal["duck", "brave"] = "duck"
    """Which search engine."""


KNOWN = catalog([Module("tool-web", "tool", "fetch pages", Web), Module("tool-bash", "tool", "run commands")])


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.register_theme(load_themes().by_name["ink"])
        self.theme = "ink"

    def compose(self) -> ComposeResult:
        yield EditorPane(catalog=lambda: KNOWN)


@asynccontextmanager
async def editing(text: str) -> AsyncIterator[tuple[Pilot[None], EditorPane]]:
    host = Host()
    async with host.run_test(size=(80, 20)) as pilot:
        pane = host.query_one(EditorPane)
        pane.editor.load(text)
        pane.editor.focus()
        pane.editor.move_cursor(pane.editor.document.end)
        await settled(pilot)
        yield pilot, pane


async def test_typing_offers_what_fits_and_enter_takes_it():
    async with editing("tools:\n  - module: ") as (pilot, pane):
        await pilot.press("b", "a")
        await until(pilot, lambda: pane.completions.is_open, "something is offered")
        assert [one.label for one in pane.completions.offered] == ["tool-bash"]
        await pilot.press("enter")
        assert pane.editor.text == "tools:\n  - module: tool-bash"
        assert not pane.completions.is_open


async def test_asked_for_it_offers_everything_and_the_arrows_choose():
    async with editing("tools:\n  - module: ") as (pilot, pane):
        await pilot.press("ctrl+@")
        await until(pilot, lambda: pane.completions.is_open, "something is offered")
        assert [one.label for one in pane.completions.offered] == ["tool-bash", "tool-web"]
        await pilot.press("down", "tab")
        assert pane.editor.text.endswith("module: tool-web")


async def test_escape_closes_the_list_and_keeps_the_text():
    async with editing("tools:\n  - module: ") as (pilot, pane):
        await pilot.press("ctrl+@", "escape")
        assert not pane.completions.is_open
        await pilot.press("enter")
        assert pane.editor.text == "tools:\n  - module: \n      "


async def test_the_line_below_says_what_the_cursor_is_on():
    async with editing(TEXT) as (pilot, pane):
        pane.editor.move_cursor((3, 8))
        await settled(pilot)
        assert pane.query_one("#editor-help", Bar).plain == (
            "tools[].config.engine  Which search engine · duck | brave · default duck 4:9"
        )


async def test_a_long_problem_is_told_on_several_lines_and_a_short_text_on_one():
    message = "this value is not one of those that the module takes, and nothing near it is one of them either"
    async with editing(TEXT) as (pilot, pane):
        bar = pane.query_one("#editor-help", Bar)
        assert bar.size.height == 1
        pane.editor.set_problems((Problem("error", message, 4, 1, hint="write duck or brave"),))
        pane.editor.move_cursor((3, 8))
        await settled(pilot)
        told = [line.split("  ")[0] for line in str(bar.render()).splitlines()]
        assert " ".join(told) == f"{message} · write duck or brave"
        assert bar.size.height == len(told) == 2
        pane.editor.move_cursor((0, 0))
        await settled(pilot)
        assert bar.size.height == 1


async def test_the_words_about_a_problem_do_not_cover_its_line():
    async with editing(f"{TEXT * 9}end") as (pilot, pane):
        last = pane.editor.cursor_location[0]
        pane.editor.set_problems((Problem("error", "a problem with much to say about it " * 5, last + 1, 1),))
        await pilot.press("left")
        await settled(pilot)
        assert pane.query_one("#editor-help", Bar).size.height == 3
        assert pane.editor.cursor_screen_offset.y < pane.query_one("#editor-help", Bar).region.y


async def test_find_goes_from_match_to_match_and_round():
    async with editing(TEXT) as (pilot, pane):
        pane.editor.move_cursor((0, 0))
        await pilot.press("ctrl+f", *"module")
        assert pane.editor.selected_text == "module"
        assert pane.editor.selection.start == (1, 4)
        await pilot.press("enter")
        assert pane.editor.selection.start == (4, 4)
        await pilot.press("down")
        assert pane.editor.selection.start == (1, 4)
        await pilot.press("up")
        assert pane.editor.selection.start == (4, 4)
        await pilot.press("escape")
        assert pane.editor.has_focus
        assert not pane.query_one(FindBar).has_class("-open")


async def test_replace_all_is_one_step_of_the_history():
    async with editing(TEXT) as (pilot, pane):
        await pilot.press("ctrl+f", *"duck", "tab", *"brave", "f9")
        await until(pilot, lambda: pane.editor.text == TEXT.replace("duck", "brave"), "all are replaced")
        pane.editor.undo()
        assert pane.editor.text == TEXT


async def test_replace_takes_the_match_at_the_cursor_only():
    async with editing(TEXT) as (pilot, pane):
        pane.editor.move_cursor((0, 0))
        await pilot.press("ctrl+f", *"module", "tab", *"x", "ctrl+r")
        await until(pilot, lambda: pane.editor.text == TEXT.replace("module", "x", 1), "one is replaced")
        assert pane.editor.selected_text == "module"


async def test_a_line_is_gone_to_by_its_number():
    async with editing(TEXT) as (pilot, pane):
        await pilot.press("ctrl+l", "3", "enter")
        await until(pilot, lambda: pane.editor.cursor_location == (2, 0), "the third line")
        assert pane.editor.has_focus


@pytest.mark.parametrize(
    ("words", "expected"), [("a", [(0, 1), (2, 3), (4, 5)]), ("A", [(2, 3)]), ("", []), ("(", [(6, 7)])]
)
def test_upper_case_in_the_words_makes_case_count(words: str, expected: list[tuple[int, int]]):
    assert matches("a A a (", words) == expected


@pytest.mark.parametrize(("offset", "step", "expected"), [(0, 1, 0), (2, 1, 1), (9, 1, 0), (5, -1, 0), (0, -1, 1)])
def test_the_next_match_goes_round(offset: int, step: int, expected: int):
    assert next_match([(1, 2), (4, 6)], offset, step) == expected
    assert next_match([], offset, step) == -1


async def test_between_slashes_stands_a_regular_expression_and_its_groups_go_into_the_replacement():
    async with editing(TEXT) as (pilot, pane):
        wanted = TEXT.replace("tool-web", "plugin-web")
        await pilot.press("ctrl+f", *r"/tool-(\w+)/", "tab", *r"plugin-\1", "f9")
        await until(pilot, lambda: pane.editor.text == wanted, "all are replaced")
        pane.editor.undo()
        assert pane.editor.text == TEXT


async def test_what_is_no_regular_expression_is_said_beside_the_words():
    async with editing(TEXT) as (pilot, pane):
        await pilot.press("ctrl+f", *"/(/")
        count = pane.query_one("#count", Static)
        await until(pilot, lambda: "unterminated subpattern" in str(count.render()), "why")


def test_a_pattern_is_looked_for_in_each_line_and_upper_case_in_it_makes_case_count():
    assert matches("ab\r\nAb c", "/^ab?/") == [(0, 2), (4, 6)]
    assert matches("ab\nAb", "/A./") == [(3, 5)]
    assert matches("Aa1", r"/a\D/") == [(0, 2)]
    assert matches("aaa", "/x*/") == []
    assert replacement("k: v\r\nx: y", r"/(\w): (\w)/", (6, 10), r"\2: \1") == "y: x"


@pytest.mark.parametrize("words", ["/(a+)+$/", "/(a|a)*b/", "/.*.*.*.*x/", "/[/", "/(?P<a/"])
def test_a_pattern_that_is_none_or_could_take_forever_is_refused(words: str):
    with pytest.raises(NoPattern):
        matches("a" * 2000 + "\n", words)
