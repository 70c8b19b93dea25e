"""The YAML editor: Textual's TextArea with colours, problems in the text, and edits that never lose a character.

Measured at 1,000 lines (`benchmarks editor`): TextArea with its own YAML highlighting takes 11 ms for each key press,
167 ms at 10,000. This one colours only what is seen (`yaml_highlight`) and keeps the joined text between edits.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual._text_area_theme import TextAreaTheme
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.document._document_navigator import DocumentNavigator
from textual.document._wrapped_document import WrappedDocument
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from agent_workbench.configs.edits import Edit
from agent_workbench.configs.problems import Problem, Severity
from agent_workbench.configs.secrets import veiled
from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import EditRefused
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.inputs import one_to_one
from agent_workbench.frontends.tui.widgets.line_area import LineArea
from agent_workbench.frontends.tui.widgets.spoken import is_heard
from agent_workbench.frontends.tui.widgets.yaml_highlight import highlight, styles

Check = Callable[[str], tuple[Problem, ...]]

#: Rows above and below the window that are coloured with it, so that scrolling a little costs nothing.
MARGIN = 60
#: Seconds of rest after a key press before the text is checked.
CHECK_AFTER = 0.15
#: A mark for each severity: the shape differs, not the colour alone.
MARKS: Mapping[Severity, str] = {"error": "●", "warning": "○", "info": "·"}
#: Their letters for those who hear the screen.
LETTERS: Mapping[Severity, str] = {"error": "E", "warning": "W", "info": "I"}
_COLORS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "secondary"}
_TOKEN = re.compile(r"[^\s,\]}#]+")


class _Unwrapped(WrappedDocument):
    """Lines that are not wrapped. Textual counts them anew for each line that it paints."""

    @property
    def height(self) -> int:
        return len(self._offset_to_line_info)


class YamlEditor(LineArea):
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
    _window: tuple[int, int] = (0, 0)
    _marks: Mapping[int, Problem] = {}
    _paints: int = 0
    _styled: int = -1

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
        self._painted: LRUCache[tuple[object, ...], Strip] = LRUCache(1024)
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
        if marks != self._marks:
            self._marks = marks
            self.refresh()
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

    # --- painting

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._colour())
        self._colour()

    def _colour(self) -> None:
        variables = self.app.theme_variables

        def color(name: str) -> str:
            return variables.get(name, variables["foreground"])

        self.register_theme(TextAreaTheme("workbench", syntax_styles=dict(styles(color))))
        self.theme = "workbench"
        self._shown = {severity: Style(color=variables[name]) for severity, name in _COLORS.items()}
        self._paints += 1
        self.refresh()

    def _set_document(self, text: str, language: str | None) -> None:
        super()._set_document(text, language)
        self.wrapped_document = _Unwrapped(self.document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)

    def _refresh_size(self) -> None:
        """Note how long and wide the text is. The screen is laid out anew only where a scrollbar comes or goes."""
        text, lines = self.text, self.document.lines
        plain = text.isascii() and "\t" not in text
        width = max(map(len, lines)) if plain else self.document.get_size(self.indent_width).width
        size = Size(width + self.gutter_width + 1, len(lines))
        if size != self.virtual_size:
            self.set_reactive(YamlEditor.virtual_size, size)
            self._refresh_scrollbars()
            if self.show_vertical_scrollbar:
                self.vertical_scrollbar.window_virtual_size = size.height
            if self.show_horizontal_scrollbar:
                self.horizontal_scrollbar.window_virtual_size = size.width

    def _build_highlight_map(self) -> None:
        """Forget what was coloured and joined; TextArea calls this after each change of the text."""
        self._joined = None
        self._window = (0, 0)
        self._highlights.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Colour what comes into view, then paint."""
        top = self.scroll_offset.y
        bottom = min(top + self.size.height, self.document.line_count)
        first, last = self._window
        if top < first or bottom > last:
            margin = MARGIN if last else 0  # between two edits nobody scrolls
            self._window = max(0, top - margin), bottom + margin
            self._highlights.clear()
            self._highlights.update(highlight(self.document.lines, *self._window))
        if self._styled != self._paints and self._theme is not None:  # 1.5 ms, which TextArea takes for each paint
            self._styled = self._paints
            self._theme.apply_css(self)
        return super(TextArea, self).render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Return a line of the window, from what was painted before where nothing of it changed.

        TextArea forgets all lines at each key press: 8 ms for 40 lines. Here what a line looks like is the key.
        """
        row = y + self.scroll_offset.y
        if row >= self.document.line_count:
            return self._render_line(y)
        first, last = sorted((self.selection.start[0], self.selection.end[0]))
        bracket = self._matching_bracket_location
        key = (
            row, self.document[row], tuple(self._highlights.get(row, ())), self._marks.get(row),
            self.scroll_offset.x, self.size.width, max(self.virtual_size.width, self.size.width), self.gutter_width,
            self._paints,
            (self.selection, self.has_focus, bracket) if first <= row <= last else None,
            bracket if bracket is not None and bracket[0] == row else None,
        )  # fmt: skip
        strip = self._painted.get(key)
        if strip is None:
            strip = self._painted[key] = self._render_line(y)
        return strip

    def notify_style_update(self) -> None:
        """Paint everything anew: the colours may be others."""
        self._paints += 1
        super().notify_style_update()

    def get_line(self, line_index: int) -> Text:
        """Return a line as it is painted: nothing acts on the terminal, secrets are dots, a problem is underlined."""
        raw = self.document.get_line(line_index)
        text = Text(one_to_one(veiled(raw)), end="", no_wrap=True)
        problem = self._marks.get(line_index)
        if problem is not None:
            start = max(0, problem.column - 1)
            token = _TOKEN.match(raw, start)
            begin, end = token.span() if token else (len(raw) - len(raw.lstrip()), len(raw))
            text.stylize(self._shown[problem.severity] + Style(underline=True), begin, end)
        return text

    def _with_cut_signs(self, strip: Strip, line: int) -> Strip:
        """Put `…` where a line goes on beyond an edge, but never over the cursor."""
        left, right = self.gutter_width, self.scrollable_content_region.width - 1
        text, before = one_to_one(veiled(self.document[line])).expandtabs(self.indent_width), self.scroll_offset.x
        long = cell_len(text)
        beyond = [left] * (before > 0 and long > 0) + [right] * (long - before > right - left + 1)
        if not beyond:
            return strip
        row, column = self.cursor_location
        cursor = left - before + cell_len(self.document[row][:column].expandtabs(self.indent_width))
        for at in beyond:
            if (row, cursor) != (line, at):
                ground = next((one.style for one in strip.crop(at, at + 1) if one.style), Style())
                sign = Segment("…", Style(bgcolor=ground.bgcolor) + self._sign)
                strip = Strip.join([strip.crop(0, at), Strip([sign]), strip.crop(at + 1, strip.cell_length)])
        return strip

    @property
    def _sign(self) -> Style:
        numbers = self._theme.gutter_style if self._theme else None
        return Style(color=numbers.color) if numbers else Style()

    def _render_line(self, y: int) -> Strip:
        strip = super()._render_line(y)
        line = y + self.scroll_offset.y
        if line >= self.document.line_count:
            return strip
        strip = self._with_cut_signs(strip, line)
        problem = self._marks.get(line)
        if problem is None:
            return strip
        style = self._shown[problem.severity]
        gutter, *rest = strip
        number = Segment(gutter.text[:-2], gutter.style)
        marks = LETTERS if is_heard(self) else MARKS
        mark = Segment(f"{marks[problem.severity]} ", (gutter.style or Style()) + style)
        strip = Strip([number, mark, *rest], strip.cell_length)
        return self._with_message(strip, line, problem, style)

    def _with_message(self, strip: Strip, line: int, problem: Problem, style: Style) -> Strip:
        """Say behind the line what is wrong, where there is room for more than a few words."""
        at = self.gutter_width + cell_len(self.document[line].expandtabs(self.indent_width)) + 3 - self.scroll_offset.x
        room = self.size.width - at
        if at <= self.gutter_width or room < 16:
            return strip
        said = clean_line(f"{problem.message}{f' · {problem.hint}' if problem.hint else ''}", room - 1)
        ground = next((segment.style for segment in reversed(list(strip)) if segment.style), Style())
        painted = Segment(said, Style(bgcolor=ground.bgcolor) + style + Style(italic=True))
        width = strip.cell_length
        return Strip.join([strip.crop(0, at), Strip([painted]), strip.crop(at + cell_len(said), width)])
