"""The part of a Line-API widget that turns lines of roles into strips of the theme's colours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from agent_workbench.frontends.tui.widgets.lines import ROLES, Line, Run


class LinesView(ScrollView):
    """A scrolling view of lines. A subclass finds the line; this paints it.

    Each role is a component class, so a theme or a user's own CSS can restyle every one.
    """

    COMPONENT_CLASSES = {f"lines--{role}" for role in ROLES}
    DEFAULT_CSS = """
    LinesView {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        scrollbar-color: $foreground 25%;
        scrollbar-color-hover: $foreground 40%;
        scrollbar-color-active: $accent;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        & .lines--muted { color: $foreground 60%; }
        & .lines--strong { text-style: bold; }
        & .lines--emphasis { text-style: italic; }
        & .lines--strike { text-style: strike; }
        & .lines--code { color: $text-accent; background: $foreground 8%; }
        & .lines--heading { color: $text-primary; text-style: bold; }
        & .lines--link { text-style: underline; }
        & .lines--quote { color: $text-secondary; }
        & .lines--who { color: $text-primary; text-style: bold; }
        & .lines--state { color: $text-primary; }
        & .lines--good { color: $text-success; }
        & .lines--bad { color: $text-error; }
        & .lines--warn { color: $text-warning; }
        & .lines--added { color: $text-success; background: $success 12%; }
        & .lines--removed { color: $text-error; background: $error 12%; }
        & .lines--block { background: $foreground 6%; }
        & .lines--keyword { color: $text-primary; text-style: bold; }
        & .lines--string { color: $text-success; }
        & .lines--number { color: $text-warning; }
        & .lines--comment { color: $foreground 60%; text-style: italic; }
        & .lines--name { color: $text-accent; }
        & .lines--key { color: $text-secondary; }
        & .lines--found { background: $warning; color: $background; text-style: bold underline; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._role_styles: dict[str, Style] = {}
        self.paints = 0
        """Counts theme changes: strips made under another count are stale."""

    def notify_style_update(self) -> None:
        """Forget colours; lines stay."""
        super().notify_style_update()
        self._role_styles.clear()
        self.paints += 1

    def style_of(self, role: str) -> Style:
        """Return the colours of a role (several words join, later ones on top)."""
        style = self._role_styles.get(role)
        if style is None:
            style = self.rich_style
            for word in role.split():
                style += self._component(word)
            self._role_styles[role] = style
        return style

    def _component(self, word: str) -> Style:
        """Resolve one role on the widget's own background; a role sets only what its rule names."""
        if word == "selected":
            return self.screen.get_component_rich_style("screen--selection")
        styles = self.get_component_styles(f"lines--{word}")
        style = Style.null() + styles.text_style
        _, background = self.background_colors
        if styles.has_rule("background"):
            background = background + styles.background
            style += Style(bgcolor=background.rich_color)
        if styles.has_rule("color"):
            style += Style(color=(background + styles.color).rich_color)
        return style

    def strip_of(self, line: Iterable[Run]) -> Strip:
        """Paint a line."""
        return Strip([Segment(text, self.style_of(role)) for text, role in line])


def mark(line: Line, spans: Iterable[tuple[int, int]], role: str) -> Line:
    """Add a role to spans of characters (start, end; ordered, not overlapping)."""
    marked: Line = []
    cuts = sorted({offset for span in spans for offset in span})
    inside = {offset for start, end in spans for offset in range(start, end)} if cuts else set()
    offset = 0
    for text, own in line:
        edges = [0, *(cut - offset for cut in cuts if 0 < cut - offset < len(text)), len(text)]
        for start, end in pairwise(edges):
            more = role if offset + start in inside else ""
            marked.append((text[start:end], f"{own} {more}".strip()))
        offset += len(text)
    return marked


def found(line: Line, needle: str) -> Line:
    """Mark every place where a line holds the needle, whatever its case."""
    text = "".join(piece for piece, _ in line)
    spans = [match.span() for match in re.finditer(re.escape(needle), text, re.IGNORECASE)]
    return mark(line, spans, "found") if spans else line
