"""The YAML editor: Textual's TextArea with problems in the text, and edits that never lose a character.

What is seen is painted by `painted_area`; the joined text is kept between edits, which TextArea does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widgets.text_area import Selection

from agent_workbench.configs.edits import Edit
from agent_workbench.configs.problems import Problem
from agent_workbench.errors import EditRefused
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.line_area import LineArea
from agent_workbench.frontends.tui.widgets.painted_area import PaintedArea

Check = Callable[[str], tuple[Problem, ...]]

#: Seconds of rest after a key press before the text is checked.
CHECK_AFTER = 0.15


class YamlEditor(LineArea, PaintedArea):
    """A text and the problems in it. Give `check`: it is called off the event loop, after each pause in typing."""

    DEFAULT_CSS = """
    YamlEditor {
        border: none;
        padding: 0;
        &:focus { border: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("editor.save", "ctrl+s", "save", "save", "Save the config as a new revision"),
        bind("editor.find", "ctrl+f", "want('find')", "find", "Find and replace in the text"),
        bind("editor.line", "ctrl+l", "want('line')", "go to line", "Go to a line by its number", show=False),
        bind("editor.target", "alt+i", "want('target')", "go in", "Go to what is named here: an include, agent, module",
             show=False),
        bind("editor.back", "alt+w", "want('back')", "back", "Back to where the last jump began", show=False),
        bind("editor.section", "alt+t", "want('section')", "sections", "Choose a section to go to", show=False),
        bind("editor.external", "ctrl+g", "want('external')", "$EDITOR", "Edit the text in $EDITOR", show=False),
        bind("editor.problem", "f8", "next_problem", "next problem", "Go to the next problem", show=False),
        bind("editor.fix", "f9", "want('fix')", "fix", "Fix the problem of this line, if a fix is known", show=False),
        bind("editor.first", "ctrl+home", "edge(-1)", "top", "The top of the text", show=False),
        bind("editor.last", "ctrl+end", "edge(1)", "end", "The end of the text", show=False),
        bind("editor.complete", "ctrl+space,ctrl+@", "want('complete')", "complete", "Offer what fits", show=False),
        bind("editor.line_up", "alt+up", "move_line(-1)", "line up", "Move the line up", show=False),
        bind("editor.line_down", "alt+down", "move_line(1)", "line down", "Move the line down", show=False),
        bind("editor.comment", "ctrl+slash,ctrl+underscore", "comment", "comment", "Comment lines out, or in again",
             show=False),
    ]  # fmt: skip

    @dataclass
    class SaveRequested(Message):
        """The person wants the text saved."""

        editor: YamlEditor

        @property
        def control(self) -> YamlEditor:
            return self.editor

    @dataclass
    class Wanted(Message):
        """The person asks for something around the text: one of the words in `BINDINGS`, as `find` or `target`."""

        editor: YamlEditor
        what: str

    @dataclass
    class Checked(Message):
        """The text was checked; the problems are those of the text as it is now."""

        editor: YamlEditor
        problems: tuple[Problem, ...]

    @dataclass
    class DirtyChanged(Message):
        """The text differs from what was saved, or does so no more."""

        editor: YamlEditor
        dirty: bool

    _joined: str | None = None

    def __init__(self, text: str = "", *, check: Check | None = None, id: str | None = None) -> None:
        super().__init__("", soft_wrap=False, show_line_numbers=True, tab_behavior="indent", id=id)
        self.cursor_blink = False  # a blinking cursor wakes an idle program twice a second
        self.indent_width = 2
        self.check = check
        self.problems: tuple[Problem, ...] = ()
        self.dirty = False
        self._saved = ""
        self._pause: Timer | None = None
        self._checking = False
        self.load(text)

    # --- the text

    @property
    def text(self) -> str:
        """The whole text. Textual reads it once for each painted line, so it is joined once for each edit."""
        if self._joined is None:
            self._joined = self.document.text
        return self._joined

    @text.setter
    def text(self, value: str) -> None:
        self.load(value)

    def _build_highlight_map(self) -> None:
        """Forget what was joined, too; TextArea calls this after each change of the text."""
        self._joined = None
        super()._build_highlight_map()

    @property
    def alters(self) -> bool:
        """Whether the text cannot be shown without changing characters (see `load`)."""
        return self.read_only

    def load(self, text: str, *, draft: str | None = None) -> None:
        """Show a saved text, and over it a draft that can be undone.

        TextArea takes mixed line ends, U+2028, U+0085, form feeds and the like for newlines. A text that would come
        out changed is shown read-only, so that it cannot be saved over.
        """
        self.load_text(text)
        self._saved = text
        self.read_only = self.text != text
        if draft is not None and not self.read_only:
            self.replace_all(draft)
        self._note_dirty()

    def mark_saved(self, text: str) -> None:
        """Take a text as the saved one (what was typed since keeps the editor dirty)."""
        self._saved = text
        self._note_dirty()

    def apply_edit(self, edit: Edit) -> None:
        """Make an edit as one step of the undo history.

        Raises:
            EditRefused: If the text is not the one that the edit was made for, or a character would be changed.
        """
        try:
            wanted = edit.apply(self.text)
        except ValueError as error:
            raise EditRefused(str(error)) from error
        if self.read_only:
            raise EditRefused("this text cannot be edited here without changing its line ends; ^g opens $EDITOR")
        if edit.is_noop:
            return
        self.history.checkpoint()
        end = self.replace(edit.new, self._location(edit.start), self._location(edit.end)).end_location
        self.history.checkpoint()
        if self.text != wanted:
            self.undo()
            raise EditRefused("the edit holds characters that the editor would change; ^g opens $EDITOR")
        self.move_cursor(self._location(edit.start + len(edit.new) - len(edit.new.lstrip("\r\n"))), center=True)
        self.move_cursor(end)

    def replace_all(self, text: str) -> None:
        """Make the text another one, as one step that can be undone; only what differs is touched."""
        old = self.text
        start = next((i for i, (a, b) in enumerate(zip(old, text, strict=False)) if a != b), min(len(old), len(text)))
        tail = 0
        while tail < min(len(old), len(text)) - start and old[-1 - tail] == text[-1 - tail]:
            tail += 1
        self.apply_edit(Edit(start, old[start : len(old) - tail], text[start : len(text) - tail]))

    def go_to(self, line: int, column: int = 1) -> None:
        """Put the cursor at a line and column, both from 1, and show them in the middle."""
        self.move_cursor((max(0, line - 1), max(0, column - 1)), center=True)

    def select(self, start: int, end: int) -> None:
        """Select a span of offsets and show it."""
        self.selection = Selection(self._location(start), self._location(end))
        self.scroll_cursor_visible(center=True)

    def offset_of(self, location: tuple[int, int]) -> int:
        """Return the offset of a (row, column) in the text."""
        row, column = location
        return sum(len(line) for line in self.document.lines[:row]) + row * len(self.document.newline) + column

    def _location(self, offset: int) -> tuple[int, int]:
        newline, text = self.document.newline, self.text
        row = text.count(newline, 0, offset)
        begins = text.rfind(newline, 0, offset) + len(newline) if row else 0
        return row, max(0, offset - begins)

    # --- problems

    def set_problems(self, problems: tuple[Problem, ...]) -> None:
        """Mark problems in the gutter and the text. Those of other files have no place here."""
        self.problems = problems
        marks: dict[int, Problem] = {}
        for problem in problems:  # worst first: the first one of a line is the one to show
            if problem.line and not problem.source:
                marks.setdefault(problem.line - 1, problem)
        self.mark(marks)
        self.post_message(self.Checked(self, problems))

    def problem_at(self, row: int) -> Problem | None:
        """Return the worst problem of a line, from 0."""
        return self._marks.get(row)

    def _note_dirty(self) -> None:
        dirty = self.text != self._saved
        if dirty != self.dirty:
            self.dirty = dirty
            self.post_message(self.DirtyChanged(self, dirty))

    def _on_text_area_changed(self) -> None:
        self._note_dirty()
        if self._pause is not None:
            self._pause.stop()
        if self.is_mounted:
            self._pause = self.set_timer(CHECK_AFTER, self.check_now)

    def check_now(self) -> None:
        """Check the text as it is, off the event loop; one check at a time."""
        if self.check is not None and not self._checking:
            self._checking = True
            self.run_worker(self._check_until_settled(self.check), group="check")

    async def _check_until_settled(self, check: Check) -> None:
        try:
            while True:
                text = self.text
                problems = await asyncio.to_thread(check, text)
                if text == self.text:
                    self.set_problems(problems)
                    return
        finally:
            self._checking = False

    # --- keys

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "escape":  # TextArea would move the focus; here the nearest thing closes
            event.prevent_default()
        elif event.key == "enter" and not self.read_only:
            event.stop()
            event.prevent_default()
            self._replace_via_keyboard("\n" + self.indent_after(), *self.selection)
        elif event.key == "shift+tab" and not self.read_only:
            event.stop()
            event.prevent_default()
            self.dedent()

    def action_save(self) -> None:
        """Ask for the text to be saved."""
        self.post_message(self.SaveRequested(self))

    def action_want(self, what: str) -> None:
        """Ask for something around the text (see `Wanted`)."""
        self.post_message(self.Wanted(self, what))

    def action_edge(self, step: int) -> None:
        """Go to the top of the text, or to its end."""
        self.move_cursor((0, 0) if step < 0 else self.document.end)

    def action_next_problem(self) -> None:
        """Go to the next marked line, from the last one back to the first."""
        row = self.cursor_location[0]
        following = sorted(self._marks, key=lambda line: (line <= row, line))
        if following:
            self.go_to(following[0] + 1, self._marks[following[0]].column)

    # --- the mouse

    def on_click(self, event: events.Click) -> None:
        """Show the problem of a mark in the gutter; with ctrl, go to what is named there."""
        problem = self._marks.get(self.cursor_location[0])
        if event.button <= 1 and event.x < self.gutter_width and problem is not None:
            self.go_to(problem.line, problem.column)
        elif event.button <= 1 and event.ctrl:
            self.action_want("target")
