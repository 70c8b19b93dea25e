"""A change of a text with the line numbers of both sides, as it will be made and nothing else."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from textual.geometry import Size
from textual.strip import Strip

from agent_workbench.configs.secrets import veiled
from agent_workbench.conversation.clean import clean
from agent_workbench.frontends.tui.widgets.lines import Line, fit, pad
from agent_workbench.frontends.tui.widgets.paint import LinesView

CONTEXT = 2


def change_lines(old: str, new: str, *, context: int = CONTEXT) -> list[Line]:
    """Return a change as lines: number, sign, text. Between far changes stands a `…`; empty where nothing changes.

    Secrets are dots.
    """
    before, after = old.splitlines(), new.splitlines()
    top, bottom = _same_ends(before, after)
    matcher = difflib.SequenceMatcher(
        None, before[top : len(before) - bottom], after[top : len(after) - bottom], autojunk=False
    )
    changes = [(a + top, b + top, c + top, d + top) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]
    width = len(str(max(len(before), len(after), 1)))
    lines: list[Line] = []
    shown = 0
    for number, (a, b, c, d) in enumerate(changes):
        start = max(shown, c - context)
        if start > shown and lines:
            lines.append([("…".rjust(width + 1), "muted")])
        lines += _numbered(after[start:c], start, " ", width)
        lines += _numbered(before[a:b], a, "-", width)
        lines += _numbered(after[c:d], c, "+", width)
        following = changes[number + 1][2] if number + 1 < len(changes) else len(after)
        shown = min(d + context, following)
        lines += _numbered(after[d:shown], d, " ", width)
    if not lines and old != new:
        lines.append([("only line ends change", "muted")])
    return lines


def _same_ends(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """Return how many lines are the same at the top and at the bottom: the rest is all that difflib must see."""
    most = min(len(before), len(after))
    top = next((n for n in range(most) if before[n] != after[n]), most)
    bottom = next((n for n in range(most - top) if before[-1 - n] != after[-1 - n]), most - top)
    return top, bottom


def _numbered(texts: Sequence[str], first: int, sign: str, width: int) -> Iterator[Line]:
    role = {"+": "added", "-": "removed"}.get(sign, "")
    for number, text in enumerate(texts, first + 1):
        yield [(f"{sign}{number:>{width}} ", f"muted {role}".strip()), (clean(veiled(text)).expandtabs(4), role)]


class ChangeView(LinesView, can_focus=False):
    """Shows the lines of a change."""

    DEFAULT_CSS = """
    ChangeView { overflow-y: auto; scrollbar-gutter: auto; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show lines from the top."""
        self.lines = tuple(lines)
        self.virtual_size = Size(0, max(1, len(self.lines)))
        self.scroll_home(animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint a line of the window."""
        index, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        line = list(self.lines[index]) if index < len(self.lines) else []
        return self.strip_of(pad(fit(line, width), width))
