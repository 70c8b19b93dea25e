"""The editor colours, marks, indents and edits, and never changes a character by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from looks import settled, until
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import TextArea

from agent_workbench.configs.edits import Edit
from agent_workbench.configs.problems import Problem
from agent_workbench.errors import EditRefused
from agent_workbench.frontends.tui.themes import load_themes
from agent_workbench.frontends.tui.widgets.editor import Check, YamlEditor
from agent_workbench.frontends.tui.widgets.yaml_highlight import highlight

HELLO = """\
# A small one
bundle:
  name: hello
providers:
  - module: provider-mock
    config:
      default_model: x  # keep
"""


class Host(App[None]):
    def __init__(self, text: str, check: Check | None = None) -> None:
        super().__init__()
        for theme in load_themes().by_name.values():
            self.register_theme(theme)
        self.theme = "ink"
        self.text = text
        self.check = check
        self.seen: list[object] = []

    def compose(self) -> ComposeResult:
        yield YamlEditor(self.text, check=self.check)

    def on_yaml_editor_save_requested(self, event: YamlEditor.SaveRequested) -> None:
        self.seen.append(event)

    def on_yaml_editor_dirty_changed(self, event: YamlEditor.DirtyChanged) -> None:
        self.seen.append(event.dirty)

    def on_yaml_editor_checked(self, event: YamlEditor.Checked) -> None:
        self.seen.append(event.problems)


@asynccontextmanager
async def editing(text: str = HELLO, check: Check | None = None) -> AsyncIterator[tuple[Pilot[None], YamlEditor, Host]]:
    host = Host(text, check)
    async with host.run_test(size=(80, 24)) as pilot:
        editor = host.query_one(YamlEditor)
        editor.focus()
        await settled(pilot)
        host.seen.clear()
        yield pilot, editor, host


def painted(editor: YamlEditor, line: int) -> str:
    return editor.render_lines(editor.region.reset_offset)[line].text.rstrip()


async def test_typing_makes_it_dirty_and_undoing_clean_again():
    async with editing() as (pilot, editor, host):
        await pilot.press("x")
        assert editor.dirty
        await pilot.press("ctrl+z")
        assert not editor.dirty
        assert host.seen == [True, False]


async def test_saving_is_asked_for_and_a_saved_text_is_clean():
    async with editing() as (pilot, editor, host):
        await pilot.press("x", "ctrl+s")
        assert isinstance(host.seen[-1], YamlEditor.SaveRequested)
        editor.mark_saved(editor.text)
        assert not editor.dirty


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("unix", HELLO),
        ("windows", HELLO.replace("\n", "\r\n")),
        ("no newline at the end", HELLO.rstrip("\n")),
        ("empty", ""),
        ("byte order mark", "\ufeff" + HELLO),
        ("wide", "name: 日本 🎉\n"),
    ],
)
async def test_a_text_comes_out_as_it_went_in(name: str, text: str):
    async with editing(text) as (_, editor, _host):
        assert editor.text == text
        assert not editor.alters


@pytest.mark.parametrize("odd", ["a: 1\r\nb: 2\n", "a: x\u2028y\n", "a: \x85\n", "a: \x0b\n", "a: \x0c\n"])
async def test_a_text_that_would_be_changed_cannot_be_typed_into(odd: str):
    async with editing(odd) as (pilot, editor, _):
        before = editor.text
        await pilot.press("x", "enter")
        assert editor.alters
        assert editor.text == before
        with pytest.raises(EditRefused, match=r"\$EDITOR"):
            editor.apply_edit(Edit(0, "", "x"))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
async def test_an_edit_is_one_step_of_the_history(newline: str):
    text = HELLO.replace("\n", newline)
    edit = Edit(text.index("providers"), "", f"tools:{newline}  - module: tool-bash{newline}")
    async with editing(text) as (_, editor, _host):
        editor.apply_edit(edit)
        assert editor.text == edit.apply(text)
        editor.undo()
        assert editor.text == text
        editor.redo()
        assert editor.text == edit.apply(text)


async def test_an_edit_for_another_text_is_refused_and_nothing_changes():
    async with editing() as (_, editor, _host):
        with pytest.raises(EditRefused, match="changed"):
            editor.apply_edit(Edit(0, "bundle", "x"))
        with pytest.raises(EditRefused, match="characters"):
            editor.apply_edit(Edit(0, "", "a: \u2028\n"))
        assert editor.text == HELLO


async def test_a_draft_lies_over_the_saved_text_and_can_be_undone():
    async with editing() as (pilot, editor, _):
        editor.load(HELLO, draft=HELLO.replace("hello", "hallo"))
        assert editor.dirty
        editor.undo()
        assert editor.text == HELLO
        await until(pilot, lambda: not editor.dirty, "nothing is unsaved")


async def test_problems_are_found_after_a_pause_and_marked_in_the_line():
    def check(text: str) -> tuple[Problem, ...]:
        return (Problem("error", "unknown module", 5, 13, hint="provider-mock?"),) if "mockk" in text else ()

    async with editing(check=check) as (pilot, editor, host):
        editor.insert("k", (4, 25))
        await until(pilot, lambda: host.seen and host.seen[-1], "the problem is found")
        await settled(pilot)
        assert painted(editor, 4) == "5●   - module: provider-mockk   unknown module · provider-mock?"
        assert host.seen[-1] == (Problem("error", "unknown module", 5, 13, hint="provider-mock?"),)
        await pilot.press("f8")
        assert editor.cursor_location == (4, 12)


async def test_a_problem_of_an_included_file_is_not_marked_here():
    async with editing() as (_, editor, _host):
        editor.set_problems((Problem("error", "elsewhere", 2, 1, source="base.yaml"),))
        assert "elsewhere" not in painted(editor, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tools:", "tools:\n  "),
        ("  - module: x", "  - module: x\n    "),
        ("  - config:", "  - config:\n      "),
        ("    a: 1", "    a: 1\n    "),
        ("  text: |", "  text: |\n    "),
        ("  # note:", "  # note:\n  "),
        ("  - ", "  - \n  "),
    ],
)
async def test_enter_indents_as_yaml_wants_it(before: str, after: str):
    async with editing(before) as (pilot, editor, _):
        editor.move_cursor(editor.document.end)
        await pilot.press("enter")
        assert editor.text == after


async def test_lines_are_commented_out_and_in_again():
    async with editing("a:\n  b: 1\n  c: 2\n") as (_, editor, _host):
        editor.move_cursor((1, 0))
        editor.move_cursor((2, 2), select=True)
        editor.action_comment()
        assert editor.text == "a:\n  # b: 1\n  # c: 2\n"
        editor.move_cursor((1, 0))
        editor.move_cursor((2, 2), select=True)
        editor.action_comment()
        assert editor.text == "a:\n  b: 1\n  c: 2\n"


async def test_a_line_moves_with_its_cursor():
    async with editing("a: 1\nb: 2\n") as (pilot, editor, _):
        await pilot.press("alt+down")
        assert editor.text == "b: 2\na: 1\n"
        assert editor.cursor_location == (1, 0)


async def test_nothing_in_the_text_reaches_the_terminal_as_a_command():
    async with editing("a: \x1b[31m\u202ex\n") as (_, editor, _host):
        assert painted(editor, 0) == "1  a: ␛[31m\ufffdx"


async def test_every_theme_colours_it_and_switching_keeps_the_text():
    async with editing() as (pilot, editor, host):
        for name in load_themes().by_name:
            host.theme = name
            await until(pilot, lambda name=name: host.current_theme.name == name, "the theme is on")
            assert "default_model: x" in painted(editor, 6)
        assert editor.text == HELLO


def test_a_window_is_coloured_as_the_whole_would_be():
    lines = (HELLO * 40).split("\n")
    whole = highlight(lines, 0, len(lines))
    part = highlight(lines, 100, 140)
    assert all(sorted(part[n], key=str) == sorted(whole[n], key=str) for n in range(100, 140) if n in whole)


def test_textarea_itself_still_asks_for_colours_after_each_change():
    """The editor hooks into `_build_highlight_map` and `_render_line`: a Textual that renames them must be noticed."""
    assert callable(TextArea._build_highlight_map)
    assert callable(TextArea._render_line)


async def test_a_secret_is_painted_as_dots_and_kept_as_it_is():
    text = HELLO + "      api_key: hunter2  # mine\n"
    async with editing(text) as (_, editor, host):
        painted = "\n".join("".join(segment.text for segment in editor.render_line(y)) for y in range(9))
        assert "api_key: •••••••  # mine" in painted
        assert "hunter2" not in host.export_screenshot()
        assert editor.text == text
