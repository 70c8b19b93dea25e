"""The workbench for whoever sees no colours, hears the screen, or wants nothing to move.

Nothing of this costs anything while it is off: what such a screen looks like is in style sheets of its own, which are
read only then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.constants import TEXTUAL_ANIMATIONS
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widget import Widget

from agent_workbench.frontends.tui.choices import Choices
from agent_workbench.frontends.tui.widgets.said import Said

STYLES = Path(__file__).parent / "styles"
#: Shows the terminal's own cursor, steady: screen readers and braille displays follow it.
SHOW_CURSOR = "\x1b[2 q\x1b[?25h"


@lru_cache(4096)
def colourless(style: Style) -> Style:
    """Return a style without its colours; what a click on it does stays."""
    plain = style.without_color
    return plain + Style.from_meta(style.meta) if style.meta else plain


class Colourless(LineFilter):
    """Takes the colours out of all that is painted: the terminal's own remain. Textual's filter leaves greys."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without colours."""
        return [Segment(text, colourless(style) if style else None, control) for text, style, control in segments]


COLOURLESS = Colourless()


class Accessible(App[None]):
    """An application that does without colours, without motion, and with nothing but text, as was chosen."""

    def __init__(self, choices: Choices, **options: Any) -> None:
        super().__init__(**options)
        self.no_color = choices.colourless
        self._choices = choices
        self._followed: WeakSet[Screen[Any]] = WeakSet()
        self._news = ""

    @property
    def reader(self) -> bool:
        """Whether the screen is read aloud."""
        return self._choices.reader

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what changes each painted line. Without colours nothing else has anything to change."""
        return (COLOURLESS,) if self.no_color else super().get_line_filters()

    def on_mount(self) -> None:
        """Show everything as was chosen, and go on doing so on every screen that comes."""
        self.screen_change_signal.subscribe(self, self._follow)
        self.app_resume_signal.subscribe(self, lambda _: self._show_cursor())
        self._show_as_chosen()

    def use(self, choices: Choices) -> None:
        """Show everything as is chosen now."""
        if choices.values != self._choices.values:
            self._choices = choices
            self._show_as_chosen()

    def _show_as_chosen(self) -> None:
        choices = self._choices
        self.animation_level = "none" if choices.still else TEXTUAL_ANIMATIONS
        self.no_color = choices.colourless
        changed = self._sheet("colourless.tcss", self.no_color)
        changed = self._sheet("reader.tcss", self.reader) or changed
        if not changed:
            return
        self.set_class(self.reader, "-reader")
        self.refresh_css(animate=False)
        for screen in self.screen_stack:
            for widget in screen.walk_children(with_self=True):
                widget.notify_style_update()
                widget.refresh(layout=True)
            screen.query(Said).remove()
            self._followed.discard(screen)
            self._follow(screen)
        self._show_cursor()

    def _sheet(self, name: str, on: bool) -> bool:
        """Use one of our own style sheets, or use it no more; return whether that is another state than before."""
        place = (str(STYLES / name), "")
        if on == (place in self.stylesheet.source):
            return False
        if on:
            self.stylesheet.add_source((STYLES / name).read_text("utf-8"), read_from=place)
        else:
            del self.stylesheet.source[place]
        return True

    # --- for those who hear the screen

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something: for a few seconds, or as a line that stays where the screen is read aloud."""
        if not self.reader:
            super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
            return
        self._news = f"{title}: {message}" if title else message
        for said in self.screen.query(Said):
            said.say(self._news)

    def _follow(self, screen: Screen[Any]) -> None:
        """Give a screen a line that says what has the focus, where the screen is read aloud."""
        if not self.reader or screen in self._followed:
            return
        self._followed.add(screen)
        screen.call_after_refresh(self._begin_to_tell, screen)

    def _begin_to_tell(self, screen: Screen[Any]) -> None:
        if screen.is_attached and not screen.query(Said):
            screen.mount(Said())
            self.watch(screen, "focused", partial(self._focus_moved, screen))
            screen.screen_layout_refresh_signal.subscribe(self, self._point)

    def _focus_moved(self, screen: Screen[Any], focused: Widget | None) -> None:
        self.call_after_refresh(self._tell_focus, screen, focused)

    def _tell_focus(self, screen: Screen[Any], focused: Widget | None) -> None:
        """Say what has the focus now, and bring the terminal's cursor there."""
        if not (self.reader and screen is self.screen and focused is screen.focused):
            return
        from agent_workbench.frontends.tui.names import named

        for said in screen.query(Said):
            said.at(named(focused) if focused is not None else "")
        self._point(screen)
        if focused is not None:
            focused.refresh()

    def _point(self, screen: Screen[Any]) -> None:
        """Bring the terminal's cursor to what a person is at: a list that was walked in, else what has the focus."""
        from agent_workbench.frontends.tui.screens.sheet import SheetView
        from agent_workbench.frontends.tui.widgets.row_list import RowList

        walked = (one for one in screen.query(RowList) if one.walked and one.region.area)
        at = next(walked, None) or screen.focused or next(iter(screen.query(SheetView)), None) or screen
        if self.reader and screen is self.screen:
            self.cursor_position = getattr(at, "cursor_screen_offset", at.content_region.offset)

    def _show_cursor(self) -> None:
        driver = self._driver  # Textual hides the cursor when it starts, and has no call to show it
        if self.reader and driver is not None and not self.is_headless:
            driver.write(SHOW_CURSOR)
            driver.flush()
