"""One to four chat panes: beside each other where there is room, below each other where there is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal
from weakref import WeakKeyDictionary

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from agent_workbench.frontends.tui.keys import bind, keys_in_use
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.frontends.tui.widgets.footer import named
from agent_workbench.frontends.tui.widgets.pane_layout import GAP, LEAST, PaneLayout, Shares

#: More than four panes leave none of them readable.
MOST = 4

#: What to press where nothing runs.
EMPTY = (("{config.run|F5}", "runs this config"), ("{session.new|^n}", "starts a session of it"),
         ("{session.split|^t}", "splits: a second one beside"),
         ("{go.sessions|F3}", "lists the sessions there are"))  # fmt: skip


class SessionPane(ChatPane):
    """A pane with its session."""

    def __init__(self, session_id: str, *, number: int, title: str = "", model: str = "", mode: str = "ask") -> None:
        super().__init__(number=number, title=title, model=model, mode=mode)
        self.session_id = session_id
        self.kept = ""
        """The draft that this pane read or stored last: what nobody changed here is not stored again."""
        self.seen = 0
        """The place of the last stored message that this pane read."""


class PaneGrid(Container):
    """The panes. One of them is active: the one that had the focus last."""

    DEFAULT_CSS = """
    PaneGrid {
        & > #nothing { padding: 1 2; color: $text-muted; }
        &.-broadcast PromptRow > .all { display: block; }
        & > SessionPane { width: 1fr; height: 1fr; }
        &.-zoom { & > SessionPane { display: none; } & > SessionPane.-active { display: block; } }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("chat.mode", "shift+tab", "mode", "mode", "The next permission mode: ask, fast-edit, read-only, plan"),
    ]
    zoom: reactive[bool] = reactive(False, toggle_class="-zoom")
    broadcast: reactive[bool] = reactive(False, toggle_class="-broadcast")
    """Whether what is said in one pane goes to all; each prompt says so."""

    @dataclass
    class ModeRequested(Message):
        """The active pane's session is to take its next permission mode."""

        pane: SessionPane

    @dataclass
    class Activated(Message):
        """Another pane has the focus."""

        pane: SessionPane

    @dataclass
    class Resized(Message):
        """A person gave the panes other sizes."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._places = PaneLayout()
        self._dragged: int | Literal["left"] | None = None
        self._turn = 0
        self._named: list[tuple[str, str]] = []
        self._used: WeakKeyDictionary[SessionPane, int] = WeakKeyDictionary()

    def compose(self) -> ComposeResult:
        yield Static(id="nothing")

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._name_keys(), immediate=True)
        self._name_keys()
        self._arrange()

    def _name_keys(self) -> None:
        """Say what to press where nothing runs; the person's keymap may change while it is shown."""
        if not self.is_attached or not self.screen.is_current:  # a dialog's keys are others
            return
        keys = keys_in_use(self.screen)
        words = [(named(key, keys), words) for key, words in EMPTY]
        if words != self._named:
            self._named = words
            wide = max(len(key) for key, _ in words)
            lines = [Content.assemble((f"{key:<{wide}}", "bold $text-accent"), f"  {does}") for key, does in words]
            self.query_one("#nothing", Static).update(
                Content("\n").join([Content("\nNothing is running here yet.\n"), *lines])
            )

    @property
    def panes(self) -> list[SessionPane]:
        """The panes from left to right, from top to bottom."""
        return list(self.query_children(SessionPane))

    @property
    def active(self) -> SessionPane | None:
        """The pane that keys mean."""
        panes = self.panes
        return next((pane for pane in panes if pane.has_class("-active")), panes[0] if panes else None)

    def showing(self, session_id: str) -> list[SessionPane]:
        """Return the panes that show a session."""
        return [pane for pane in self.panes if pane.session_id == session_id]

    def yielding(self) -> SessionPane:
        """Return the pane that makes room for another: the one that was active longest ago, an idle one before others.

        What opens beside the active pane never takes its place.
        """
        others = [pane for pane in self.panes if pane is not self.active]
        return min(others, key=lambda pane: (pane.busy, self._used.get(pane, 0)))

    async def add(self, pane: SessionPane, *, replace: SessionPane | None = None) -> None:
        """Show a pane, in place of another where one is given, else behind the others."""
        if replace is not None and replace.is_attached:
            await self.mount(pane, before=replace)
            await replace.remove()
        else:
            await self.mount(pane)
        self._arrange()
        self.activate(pane)

    async def close(self, pane: SessionPane) -> None:
        """Take a pane away and go to its neighbour. The session goes on."""
        panes = self.panes
        index = panes.index(pane)
        await pane.remove()
        self._arrange()
        left = self.panes
        if left:
            self.activate(left[min(index, len(left) - 1)])

    def activate(self, pane: SessionPane, *, focus: bool = True) -> None:
        """Make a pane the one that keys mean."""
        self._turn += 1
        self._used[pane] = self._turn
        for one in self.panes:
            one.set_class(one is pane, "-active")
        if focus:
            (pane.question if pane.question.waiting else pane.prompt).focus()
        self.post_message(self.Activated(pane))

    def step(self, by: int) -> None:
        """Go to the pane `by` places further, round and round."""
        if self.active is not None:
            panes = self.panes
            self.activate(panes[(panes.index(self.active) + by) % len(panes)])

    def _arrange(self) -> None:
        panes = self.panes
        for number, pane in enumerate(panes, 1):
            pane.set_title(number=number)
        try:
            self.query_one("#nothing").display = not panes
        except NoMatches:  # the screen is closing
            return
        self.set_class(not panes, "-empty")
        if len(panes) < 2:
            self.zoom = False

    # --- sizes

    @property
    def layout(self) -> PaneLayout:
        """Where the panes are."""
        return self._places

    @property
    def shares(self) -> Shares:
        """How the panes share the room."""
        return self._places.shares

    @shares.setter
    def shares(self, shares: Shares) -> None:
        self._places.shares = shares
        for pane in self.panes[:1]:
            pane.refresh(layout=True)  # what a widget refreshes is arranged anew by those above it, not by itself

    @property
    def _heights(self) -> list[int]:
        """The lines of each row, as they are now."""
        columns = self._places.columns(len(self.panes), self.size.width)
        return [pane.outer_size.height for pane in self.panes[::columns]]

    def grow(self, by: int) -> bool:
        """Make the active pane's row higher by some lines, or lower; False where it stands alone."""
        panes, heights = self.panes, self._heights
        if self.active is None or len(heights) < 2 or not all(heights):
            return False
        row = panes.index(self.active) // self._places.columns(len(panes), self.size.width)
        last = row == len(heights) - 1
        self.shares = self.shares.with_border(heights, row - last, -by if last else by)
        self.post_message(self.Resized())
        return True

    def _edge_at(self, x: int, y: int) -> int | Literal["left"] | None:
        """Return which border is at a place of the screen: below a row, or right of the left column."""
        panes = [pane for pane in self.panes if pane.display]
        columns = self._places.columns(len(panes), self.size.width)
        if columns == 2 and panes[0].region.right - 1 <= x <= panes[1].region.x and y < panes[1].region.bottom:
            return "left"
        for row, pane in enumerate(panes[::columns][:-1]):
            if y in (pane.region.bottom - 1, pane.region.bottom) and self.region.contains(x, y):
                return row
        return None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a border between panes."""
        self._dragged = self._edge_at(event.screen_x, event.screen_y)
        if self._dragged is not None:
            event.stop()
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the border that is held."""
        if self._dragged == "left":
            left = (event.screen_x - self.region.x) / max(1, self.size.width - GAP)
            self.shares = replace(self.shares, left=min(max(left, LEAST), 1 - LEAST))
        elif self._dragged is not None:
            heights = self._heights
            top = self.region.y + sum(heights[: self._dragged + 1])
            self.shares = self.shares.with_border(heights, self._dragged, event.screen_y - top + 1)
        else:
            return
        event.stop()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let the border go."""
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()
            event.stop()
            self.post_message(self.Resized())

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Follow the focus."""
        pane = next((one for one in event.widget.ancestors_with_self if isinstance(one, SessionPane)), None)
        if pane is not None and not pane.has_class("-active"):
            self.activate(pane, focus=False)

    def action_mode(self) -> None:
        """Ask for the next permission mode."""
        if self.active is not None:
            self.post_message(self.ModeRequested(self.active))
