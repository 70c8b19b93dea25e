"""What every box over the screen has in common: its keys stand in its lower frame, and a click on one presses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeVar

from rich.cells import cell_len
from textual import events, on
from textual.binding import ActiveBinding
from textual.css.query import NoMatches
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input

from agent_workbench.frontends.tui.widgets.clicks import acts
from agent_workbench.frontends.tui.widgets.footer import key_line, key_name, shown_keys

T = TypeVar("T")
#: The key that closes stands last, and is never left out.
CLOSING = "dialog.cancel"
#: Cells of the lower frame that are no room for keys: corners, and a line and a space beside each.
CORNERS = 6


class Framed(ModalScreen[T]):
    """A screen with a `#box`. The keys are those that work now, as in the footer below."""

    WORDS: ClassVar[Mapping[str, str]] = {"list.choose": "choose"}
    """What a binding does here, by its id, where that is more than its own words say; empty leaves it out."""

    @on(events.Mount)
    def _follow_keys(self) -> None:
        self._spans: list[tuple[int, int, str]] = []
        self.bindings_updated_signal.subscribe(self, self._updated)

    @on(events.Resize)
    def _fit_keys(self) -> None:
        self.call_after_refresh(self.show_keys)

    def _updated(self, screen: Screen[object]) -> None:
        if screen is self and self.is_attached:
            self.show_keys()

    def words_of(self, id: str, words: str) -> str:
        """Return what a key does here."""
        return self.WORDS.get(id, words)

    def show_keys(self) -> None:
        """Write the keys into the lower frame."""
        try:
            box = self.query_one("#box", Widget)
        except NoMatches:  # the screen is closing
            return
        shown = sorted(shown_keys(self._working()), key=lambda one: one[0].id == CLOSING)
        told = ((one.key, self.words_of(one.id or "", words)) for one, words in shown)
        keys = [(key, words) for key, words in told if words]
        room = box.outer_size.width - CORNERS
        while len(keys) > 1 and sum(cell_len(f"{key_name(key)} {words}  ") for key, words in keys) - 2 > room:
            del keys[-2]
        box.border_subtitle, self._spans = key_line(keys, room)

    def _working(self) -> Iterator[ActiveBinding]:
        """Yield the keys that work. An input hands its enter on, so what that does here counts."""
        if isinstance(self.focused, Input):
            own = self._bindings.key_to_bindings.get("enter", ())
            yield from (ActiveBinding(self, one, True) for one in own)
        yield from self.active_bindings.values()

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked on."""
        box = self.query_one("#box", Widget).region
        if self._spans and event.screen_y == box.bottom - 1 and acts(event):
            at = event.screen_x - (box.right - CORNERS // 2 - self._spans[-1][1])
            for start, end, key in self._spans:
                if start <= at < end:
                    self.app.simulate_key(key)
