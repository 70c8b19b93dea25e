"""A text area of code: lines that are moved, indented and commented, words and lines that the mouse selects."""

from __future__ import annotations

import re

from textual import events
from textual.widgets.text_area import Selection

from agent_workbench.frontends.tui.widgets.steady import SteadyArea

#: What a double click selects: the id of a module is one word.
_WORD = re.compile(r"[\w-]+")


class LineArea(SteadyArea):
    """Keeps to Textual's own keys; what it adds is asked for by name, or by two and three clicks."""

    def indent_after(self) -> str:
        """Return the indentation that the line after the cursor's wants."""
        row, column = self.selection.start
        before = self.document[row][:column]
        body = before.lstrip(" ")
        width = len(before) - len(body)
        while body.startswith("- "):
            stripped = body[2:].lstrip(" ")
            if not stripped:
                break
            width, body = width + len(body) - len(stripped), stripped
        code = body.split(" #")[0].rstrip()
        opens = code.endswith((":", "|", ">", "|-", ">-")) and not body.startswith("#")
        return " " * (width + (2 if opens else 0))

    def dedent(self) -> None:
        """Take a step of indentation from the cursor's line."""
        row, column = self.cursor_location
        line = self.document[row]
        spaces = min(2, len(line) - len(line.lstrip(" ")))
        if spaces:
            self.replace("", (row, 0), (row, spaces), maintain_selection_offset=False)
            self.move_cursor((row, max(0, column - spaces)))

    def action_move_line(self, step: int) -> None:
        """Swap the cursor's line with its neighbour."""
        row, column = self.cursor_location
        other = row + step
        if self.read_only or not 0 <= other < self.document.line_count:
            return
        top, bottom = min(row, other), max(row, other)
        swapped = f"{self.document[bottom]}\n{self.document[top]}"
        self.replace(swapped, (top, 0), (bottom, len(self.document[bottom])), maintain_selection_offset=False)
        self.move_cursor((other, column))

    def action_comment(self) -> None:
        """Comment the selected lines out, or in again where all of them are comments."""
        if self.read_only:
            return
        first, last = sorted((self.selection.start[0], self.selection.end[0]))
        lines = [self.document[row] for row in range(first, last + 1)]
        full = [line for line in lines if line.strip()]
        if not full:
            return
        if all(line.lstrip().startswith("#") for line in full):
            changed = [re.sub(r"^(\s*)# ?", r"\1", line) for line in lines]
        else:
            indent = min(len(line) - len(line.lstrip()) for line in full)
            changed = [f"{line[:indent]}# {line[indent:]}" if line.strip() else line for line in lines]
        self.history.checkpoint()
        self.replace("\n".join(changed), (first, 0), (last, len(lines[-1])), maintain_selection_offset=False)

    def on_click(self, event: events.Click) -> None:
        """Select the word of a double click, the line of a triple one."""
        if event.button > 1 or event.chain < 2:
            return
        row, column = self.cursor_location
        line = self.document[row]
        if event.chain > 2:
            last = row + 1 >= self.document.line_count
            self.selection = Selection((row, 0), (row, len(line)) if last else (row + 1, 0))
            return
        for word in _WORD.finditer(line):
            if word.start() <= column <= word.end():
                self.selection = Selection((row, word.start()), (row, word.end()))
