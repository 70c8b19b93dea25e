"""The mouse in the text: words, lines, marks of problems, and going to what is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from looks import settled, until
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.pilot import Pilot

from agent_workbench.configs.problems import Problem
from agent_workbench.frontends.tui.themes import load_themes
from agent_workbench.frontends.tui.widgets.editor import YamlEditor

TEXT = "tools:\n  - module: tool-bash\n  - module: tool-web"


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        for theme in load_themes().by_name.values():
            self.register_theme(theme)
        self.theme = "ink"
        self.wanted: list[str] = []

    def compose(self) -> ComposeResult:
        yield YamlEditor(TEXT)

    def on_yaml_editor_wanted(self, event: YamlEditor.Wanted) -> None:
        self.wanted.append(event.what)


@asynccontextmanager
async def editing() -> AsyncIterator[tuple[Host, YamlEditor, Pilot[None]]]:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        editor = app.query_one(YamlEditor)
        editor.focus()
        await settled(pilot)
        yield app, editor, pilot


def at(editor: YamlEditor, row: int, column: int) -> Offset:
    return Offset(editor.gutter_width + column, row)


@pytest.mark.parametrize(
    ("times", "row", "selected"),
    [(1, 1, ""), (2, 1, "tool-bash"), (3, 1, "  - module: tool-bash\n"), (3, 2, "  - module: tool-web")],
    ids=["once", "a word", "a line", "the last line"],
)
async def test_clicks_select_a_word_or_a_line(times: int, row: int, selected: str):
    async with editing() as (_, editor, pilot):
        await pilot.click(YamlEditor, offset=at(editor, row, 15), times=times)
        await until(pilot, lambda: editor.selected_text == selected, f"{times} clicks")
        assert editor.cursor_location[0] in (row, row + 1)


async def test_dragging_selects():
    async with editing() as (_, editor, pilot):
        await pilot.mouse_down(YamlEditor, offset=at(editor, 0, 2))
        await pilot.hover(YamlEditor, offset=at(editor, 1, 4))
        await pilot.mouse_up(YamlEditor, offset=at(editor, 1, 4))
        await until(pilot, lambda: editor.selected_text == "ols:\n  - ", "what lies between")


async def test_a_click_on_a_mark_goes_to_its_problem_and_one_on_the_text_does_not():
    async with editing() as (_, editor, pilot):
        editor.set_problems((Problem("error", "unknown", 2, 13),))
        await settled(pilot)
        await pilot.click(YamlEditor, offset=Offset(1, 1))
        await until(pilot, lambda: editor.cursor_location == (1, 12), "where the problem is")
        await pilot.click(YamlEditor, offset=at(editor, 1, 4))
        await until(pilot, lambda: editor.cursor_location == (1, 4), "where the click was")


async def test_a_click_with_ctrl_goes_to_what_is_named():
    async with editing() as (app, editor, pilot):
        await pilot.click(YamlEditor, offset=at(editor, 1, 15), control=True)
        await until(pilot, lambda: app.wanted == ["target"], "asked for")
