"""A page of lines over the screen: an answer to read, a diff, a panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.widgets import Static

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.widgets.lines import Line, fit, pad
from agent_workbench.frontends.tui.widgets.paint import LinesView

Layout = Callable[[int], Sequence[Line]]
"""Lays a page out at a width in cells. Texts are cleaned by who makes the lines."""


class SheetView(LinesView, can_focus=True):
    """A page to scroll through."""

    DEFAULT_CSS = """
    SheetView { height: 1fr; background: $surface; scrollbar-background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sheet.up", "up,k", "scroll(-1)", "up", "A line up", show=False),
        bind("sheet.down", "down,j", "scroll(1)", "down", "A line down", show=False),
        bind("sheet.page_up", "pageup,b", "scroll(-20)", "page up", "A page up", show=False),
        bind("sheet.page_down", "pagedown,space", "scroll(20)", "page down", "A page down", show=False),
        bind("sheet.first", "home,g", "edge(-1)", "top", "The top", show=False),
        bind("sheet.last", "end,G", "edge(1)", "end", "The end", show=False),
    ]

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout_of = layout
        self.lines: Sequence[Line] = ()

    def lay(self, layout: Layout | None = None) -> None:
        """Lay the page out, another one where it is given."""
        self.layout_of = layout or self.layout_of
        width = self.scrollable_content_region.width
        if width > 0:
            self.lines = self.layout_of(width)
            self.virtual_size = Size(width, max(1, len(self.lines)))
        self.refresh()

    def on_resize(self) -> None:
        """Lay the page out at the new width."""
        self.lay()

    def action_scroll(self, by: int) -> None:
        """Scroll by lines; 20 mean a page."""
        height = max(1, self.scrollable_content_region.height - 1)
        self.scroll_relative(y=by if abs(by) == 1 else height * (1 if by > 0 else -1), animate=False)

    def action_edge(self, step: int) -> None:
        """Go to the top or to the end."""
        self.scroll_to(y=self.max_scroll_y if step > 0 else 0, animate=False)

    def render_line(self, y: int) -> Strip:
        """Paint a line of the window."""
        number, width = round(self.scroll_y) + y, self.scrollable_content_region.width
        line = self.lines[number] if number < len(self.lines) else []
        return self.strip_of(pad(fit(line, width), width))


class Sheet(Dialog[None]):
    """One page. Escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.cancel", "escape,q,enter", "close", "close", "Close the page"),
    ]
    ABOUT = "A page to read."

    def __init__(self, title: str, layout: Layout, *, note: str = "") -> None:
        super().__init__()
        self._title = title
        self._note = note
        self.view = SheetView(layout)

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="tall") as box:
            box.border_title = Content(clean_line(self._title))  # a str would be read as markup
            if self._note:
                yield Static(clean(self._note), classes="note", markup=False)
            yield self.view

    def on_mount(self) -> None:
        self.view.focus()

    def action_close(self) -> None:
        """Close the page."""
        self.dismiss(None)
