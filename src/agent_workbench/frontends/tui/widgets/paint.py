"""The part of a Line-API widget that turns lines of roles into strips of the theme's colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from rich.segment import Segment
from rich.style import Style
from textual.color import TRANSPARENT, Color
from textual.scroll_view import ScrollView
from textual.strip import Strip

from agent_workbench.frontends.tui.widgets.lines import Line, Run
from agent_workbench.frontends.tui.widgets.spoken import is_heard, spoken

#: What a role looks like: colour, ground, text style. Colours are theme variables, with a share where they are faint.
#: Not component classes: Textual resolves those of every widget anew at each change of focus or class, and 24 of them
#: in ten such widgets made that 80 ms.
LOOKS: Mapping[str, tuple[str, str, str]] = {
    "muted": ("text-muted", "", ""),
    "strong": ("", "", "bold"),
    "emphasis": ("", "", "italic"),
    "strike": ("", "", "strike"),
    "code": ("text-accent", "foreground 8%", ""),
    "heading": ("text-primary", "", "bold"),
    "link": ("", "", "underline"),
    "quote": ("text-secondary", "", ""),
    "who": ("text-primary", "", "bold"),
    "state": ("text-primary", "", ""),
    "good": ("text-success", "", ""),
    "bad": ("text-error", "", ""),
    "warn": ("text-warning", "", ""),
    "added": ("text-success", "success 12%", ""),
    "removed": ("text-error", "error 12%", ""),
    "block": ("", "foreground 6%", ""),
    "keyword": ("text-primary", "", "bold"),
    "string": ("text-success", "", ""),
    "number": ("text-warning", "", ""),
    "comment": ("text-muted", "", "italic"),
    "name": ("text-accent", "", ""),
    "key": ("text-secondary", "", ""),
    "found": ("background", "warning", "bold underline"),
    "cursor": ("", "block-cursor-blurred-background", ""),
    "edge": ("border-blurred", "", ""),
    "focused-cursor": ("", "block-cursor-background", "bold"),
    "focused-edge": ("border", "", ""),
    **dict.fromkeys(("sign", "ornament", "here"), ("", "", "")),
}
#: What a role looks like without colours, where that is not the text style above.
COLOURLESS: Mapping[str, str] = {
    "muted": "dim",
    "bad": "bold",
    "warn": "bold",
    "added": "bold",
    "removed": "dim",
    "found": "bold underline reverse",
    "focused-cursor": "bold reverse",
}


class LinesView(ScrollView):
    """A scrolling view of lines. A subclass finds the line; this paints it."""

    DEFAULT_CSS = """
    LinesView {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._role_styles: dict[str, Style] = {}
        self.paints = 0
        """Counts theme changes: strips made under another count are stale."""
        self._heard: bool | None = None

    def notify_style_update(self) -> None:
        """Forget colours; lines stay."""
        super().notify_style_update()
        self._role_styles.clear()
        self._heard = None
        self.paints += 1

    @property
    def heard(self) -> bool:
        """Whether the screen is read aloud: then words stand for signs."""
        if self._heard is None:
            self._heard = is_heard(self)
        return self._heard

    def style_of(self, role: str) -> Style:
        """Return the colours of a role (several words join, later ones on top)."""
        style = self._role_styles.get(role)
        if style is None:
            style = self.rich_style
            for word in role.split():
                style += self._look(word)
            self._role_styles[role] = style
        return style

    def _look(self, word: str) -> Style:
        """Resolve one role on the widget's own background; a role sets only what it names."""
        if word == "selected":
            return self.screen.get_component_rich_style("screen--selection")
        color, ground, text_style = LOOKS[word]
        if self.app.no_color:
            return Style.parse(COLOURLESS.get(word, text_style)) if COLOURLESS.get(word, text_style) else Style.null()
        _, background = self.background_colors
        style = Style.parse(text_style) if text_style else Style.null()
        if ground:
            background = background + self._color(ground)
            style += Style(bgcolor=background.rich_color)
        if color:
            style += Style(color=(background + self._color(color, background)).rich_color)
        return style

    def _color(self, words: str, ground: Color = TRANSPARENT) -> Color:
        """Return a theme variable's colour, as faint as the words say; `auto` is what can be read on the ground."""
        name, _, share = words.partition(" ")
        value = self.app.theme_variables[name]
        if value.startswith("auto "):
            return ground.get_contrast_text(int(value[5:-1]) / 100)
        color = Color.parse(value)
        return color.with_alpha(int(share[:-1]) / 100) if share else color

    def strip_of(self, line: Iterable[Run]) -> Strip:
        """Paint a line."""
        line = spoken(list(line)) if self.heard else line
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
