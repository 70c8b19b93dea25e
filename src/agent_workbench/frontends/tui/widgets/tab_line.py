"""A title and tabs on one line: `coding · rev 7 ─── Edit · Plan · Problems 1 · History`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from agent_workbench.frontends.tui.widgets.clicks import acts
from agent_workbench.frontends.tui.widgets.lines import Run, fit, width_of
from agent_workbench.frontends.tui.widgets.places import Place
from agent_workbench.frontends.tui.widgets.spoken import is_heard

_STYLES = {"muted": "$text-muted", "strong": "bold", "bad": "$text-error", "warn": "$text-warning", "": ""}


#: Cells that a title is cut to at least; with fewer, it says nothing.
LEAST = 10


class TabLine(Widget):
    """Names, one of them active. The active one is underlined and bold: seen without colour too."""

    DEFAULT_CSS = """
    TabLine { height: 1; padding: 0 1; }
    """
    active: reactive[str] = reactive("")
    title: reactive[Sequence[Run]] = reactive(())
    badges: reactive[dict[str, Run]] = reactive({})

    @dataclass
    class Picked(Message):
        """A name was clicked on."""

        line: TabLine
        tab: str

    def __init__(self, tabs: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.tabs = tuple(tabs)
        self._spans: list[tuple[int, int, str]] = []
        self.set_reactive(TabLine.active, self.tabs[0])

    def render(self) -> Content:
        """Set the title at the left and the names at the right; the title gives way."""
        names: list[tuple[str, str, str]] = []
        heard = is_heard(self)
        for tab in self.tabs:
            word, role = self.badges.get(tab, ("", ""))
            names.append((f"[{tab}]" if heard and tab == self.active else tab, f" {word}" if word else "", role))
        width = self.content_size.width
        size = sum(cell_len(tab) + cell_len(badge) for tab, badge, _ in names) + 3 * (len(names) - 1)
        room = max(0, width - size - 2)
        title = fit(self.title, room) if min(width_of(self.title), LEAST) <= room else []
        at = max(0, width - size) if title else 0
        parts: list[tuple[str, str]] = [(text, _STYLES.get(role, "")) for text, role in title]
        parts.append((" " * max(0, at - width_of(title)), ""))
        self._spans = []
        for number, (tab, (name, badge, role)) in enumerate(zip(self.tabs, names, strict=True)):
            if number:
                parts.append((" · ", _STYLES["muted"]))
                at += 3
            parts.append((name, "bold underline" if tab == self.active else _STYLES["muted"]))
            parts.append((badge, _STYLES.get(role, "")))
            end = at + cell_len(name) + cell_len(badge)
            self._spans.append((at, end, tab))
            at = end
        return Content.assemble(*parts)

    def places(self) -> Iterator[Place]:
        """Yield where each name stands on the line, what picks it, and the name."""
        for start, _, tab in self._spans:
            yield Place(Offset(start + self.gutter.left, 0), partial(self.post_message, self.Picked(self, tab)), tab)

    def on_click(self, event: events.Click) -> None:
        """Pick the name that was clicked on."""
        x = event.x - self.gutter.left
        for start, end, tab in self._spans:
            if start <= x < end and acts(event):
                self.post_message(self.Picked(self, tab))
