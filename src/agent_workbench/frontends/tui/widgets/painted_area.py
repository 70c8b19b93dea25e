"""Paints YAML in Textual's TextArea: colours for what is seen, problems in the text, secrets as dots.

TextArea's own YAML highlighting takes 11 ms for each key press at 1,000 lines (`benchmarks editor`), and forgets all
painted lines with it. This one colours only what comes into view (`yaml_highlight`), and paints a line when it changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual._text_area_theme import TextAreaTheme
from textual.cache import LRUCache
from textual.document._document_navigator import DocumentNavigator
from textual.document._wrapped_document import WrappedDocument
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widgets import TextArea

from agent_workbench.configs.problems import Problem, Severity
from agent_workbench.configs.secrets import veiled
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.widgets.inputs import one_to_one
from agent_workbench.frontends.tui.widgets.spoken import is_heard
from agent_workbench.frontends.tui.widgets.steady import SteadyArea
from agent_workbench.frontends.tui.widgets.yaml_highlight import highlight, styles

#: Rows above and below the window that are coloured with it, so that scrolling a little costs nothing.
MARGIN = 60
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


class PaintedArea(SteadyArea):
    """A text area that shows YAML. Who holds the text says which lines have a problem."""

    _window: tuple[int, int] = (0, 0)
    _marks: Mapping[int, Problem] = {}
    _paints: int = 0
    _styled: int = -1

    def __init__(self, text: str = "", **options: Any) -> None:
        self._painted: LRUCache[tuple[object, ...], Strip] = LRUCache(1024)
        super().__init__(text, **options)

    def mark(self, problems: Mapping[int, Problem]) -> None:
        """Show one problem in each of these lines, counted from 0, and no others."""
        if problems != self._marks:
            self._marks = problems
            self.refresh()

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
            self.set_reactive(PaintedArea.virtual_size, size)
            self._refresh_scrollbars()
            if self.show_vertical_scrollbar:
                self.vertical_scrollbar.window_virtual_size = size.height
            if self.show_horizontal_scrollbar:
                self.horizontal_scrollbar.window_virtual_size = size.width

    def _build_highlight_map(self) -> None:
        """Forget what was coloured; TextArea calls this after each change of the text."""
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
