"""The parts of the main screen: which one a person is in, how they are arranged, and the keys for that."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal
from weakref import WeakKeyDictionary

from textual import on, work
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.frontends.tui.jump import jump_from
from agent_workbench.frontends.tui.layout import VIEWS, Column, Layout, View, column_of
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.columns import Columns
from agent_workbench.frontends.tui.widgets.desk import Desk
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid, SessionPane
from agent_workbench.frontends.tui.widgets.tour import Tour

Severity = Literal["information", "warning", "error"]


class PartedScreen(Screen[None]):
    """A screen of lists, a desk and chats. A subclass composes them and says what the first line shows."""

    def __init__(self) -> None:
        super().__init__()
        self.view: View = "edit"
        self.parts = Layout(self)
        self._told: WeakKeyDictionary[Widget, Size] = WeakKeyDictionary()

    def on_mount(self) -> None:
        self.screen_layout_refresh_signal.subscribe(self, self._tell_sizes)

    def _tell_sizes(self, _: Screen[None]) -> None:
        """Tell what wraps text of a new size, where the library lost that.

        Textual 8.2.8 compares each layout with the one before, but whoever asks for a region while one is due (a focus
        that moves) has it computed early, and then there is nothing to compare. Two such messages in a row are one.
        """
        panes = self.query(SessionPane)
        for part in (self.query_one(Desk), *self.query(Browser), *panes, *(pane.transcript for pane in panes)):
            if part.size != self._told.get(part):
                self._told[part] = part.size
                part.post_message(Resize(part.size, part.virtual_size, part.container_size))

    @abstractmethod
    def show_header(self) -> None:
        """Bring the first line up to date."""

    @abstractmethod
    async def keep_state(self) -> None:
        """Remember how the screen is arranged."""

    # --- what is shown

    def tell(self, words: str, *, title: str = "", severity: Severity = "information") -> None:
        """Say something, as plain text. It takes the place of what was said before, but warnings and errors stay."""
        for before in self.query("Toast.-information"):
            before.display = False
        self.notify(clean(words), title=clean_line(title), severity=severity, markup=False)

    def show_view(self, view: View, *, focus: bool = True) -> None:
        """Go to a part of the screen; on a narrow one it takes the place of the others."""
        self.view = view
        self.parts.arrange(view)
        if focus:
            self.focus_view(view)
        self.show_header()

    def focus_view(self, view: View) -> None:
        """Put the focus where a part of the screen wants it."""
        if view in ("configs", "sessions"):
            self.query_one(f"#{view}", Browser).focus_list()
        elif view == "edit":
            self.query_one(Desk).focus_tab()
        elif self.query_one(PaneGrid).active is not None:
            pane = self.query_one(PaneGrid).active
            assert pane is not None
            self.query_one(PaneGrid).activate(pane)

    def on_resize(self) -> None:
        self.parts.arrange(self.view)
        self.call_after_refresh(self.show_header)

    def on_descendant_focus(self) -> None:
        """Know which part of the screen the person is in."""
        node = self.focused
        for view in VIEWS:
            if node is not None and any(one.id == view for one in node.ancestors_with_self):
                if self.view != view:
                    self.show_view(view, focus=False)
                return

    # --- actions, named in `commands`

    def action_view(self, view: str) -> None:
        """Go to a part of the screen; from a chat to the chats, to the next one where they lie over each other."""
        grid = self.query_one(PaneGrid)
        if view == "chat" and grid.has_focus_within and self.parts.one_at_a_time:
            grid.step(1)
        else:
            self.show_view(view)  # type: ignore[arg-type]

    def action_zoom(self) -> None:
        """Give what the person is in the whole screen, and back."""
        self.parts.zoom(self.view)
        self.show_view(self.view, focus=False)

    def action_hide(self, column: Column | Literal[""]) -> None:
        """Hide a column, that of the focus unless named, or show it again."""
        if self.parts.is_last(column or column_of(self.view)):
            self.tell("Nothing else is shown: F2, F3, F4 and F7 show the other parts.")
            return
        view = self.parts.toggle(column or column_of(self.view), self.view)
        self.show_view(view, focus=view != self.view)
        self._resized()

    def action_resize(self, wider: int, higher: int = 0) -> None:
        """Make the part with the focus wider or narrower; of the panes the active one higher, else the upper list."""
        columns = self.query_one(Columns)
        if higher and self.view == "chat" and self.query_one(PaneGrid).grow(higher):
            return
        if self.parts.one_at_a_time:
            self.tell("One part has all the room here; there is nothing beside it.")
        elif wider:
            columns.grow(self.view, wider)
        else:
            columns.grow_rows(higher)

    def action_reset_layout(self) -> None:
        """Show everything as the program thinks best."""
        self.parts.reset()
        self.show_view(self.view, focus=False)

    def action_jump(self) -> None:
        """Label everything that can have the focus."""
        jump_from(self)

    def action_tour(self, on: bool = True) -> None:
        """Begin the tour, or end it."""
        tour = self.query_one(Tour)
        if on:
            tour.begin()
        else:
            tour.end()

    @on(Columns.Resized)
    @on(PaneGrid.Resized)
    @work(group="remember", exclusive=True)
    async def _resized(self) -> None:
        await self.keep_state()

    def action_pane(self, step: int) -> None:
        """Go to another pane."""
        self.show_view("chat", focus=False)
        self.query_one(PaneGrid).step(step)

    def action_pane_number(self, number: int) -> None:
        """Go to a pane by its number."""
        panes = self.query_one(PaneGrid).panes
        if number <= len(panes):
            self.show_view("chat", focus=False)
            self.query_one(PaneGrid).activate(panes[number - 1])
