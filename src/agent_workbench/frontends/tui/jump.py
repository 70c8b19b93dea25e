"""Jump mode: letters on everything that can have the focus, on every tab and row; they go there.

One letter where there are enough of them; else two for the rows that the cursor is not on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.errors import NoWidget
from textual.geometry import Offset, Region
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from agent_workbench.frontends.tui.names import named
from agent_workbench.frontends.tui.widgets.places import HasPlaces
from agent_workbench.frontends.tui.widgets.spoken import is_heard

#: The letters, those under the fingers first.
LETTERS = "asdfghjklqwertyuiopzxcvbnm"


@dataclass(frozen=True)
class Target:
    """A place of the screen, and what going there means."""

    x: int
    y: int
    go: Callable[[], object]
    name: str = ""
    main: bool = True
    """Whether it gets a single letter where they are few."""


def targets_of(screen: Screen[Any]) -> Iterator[Target]:
    """Yield what can be gone to and is in sight, from the top left to the bottom right."""
    found: dict[Offset, Target] = {}
    for widget in screen.walk_children(Widget):
        seen = _in_sight(screen, widget)
        if seen is not None:
            found |= {Offset(one.x, one.y): one for one in _of(widget) if seen.contains_point((one.x, one.y))}
    yield from sorted(found.values(), key=lambda one: (one.y, one.x))


def _of(widget: Widget) -> Iterator[Target]:
    """Yield the places of a widget, else the widget itself where it can have the focus."""
    x, y = widget.region.offset
    places = list(widget.places()) if isinstance(widget, HasPlaces) else []
    for place in places:
        yield Target(x + place.at.x, y + place.at.y, place.go, place.name, place.main)
    if not places and widget.focusable:
        yield Target(x, y, widget.focus, named(widget))


def _in_sight(screen: Screen[Any], widget: Widget) -> Region | None:
    """Return the part of the screen where a widget is seen, None where it is not."""
    try:
        return screen.find_widget(widget).visible_region if widget.region.area else None
    except NoWidget:
        return None


def labels(main: int, others: int) -> tuple[list[str], list[str]]:
    """Return so many labels of both kinds, of which none begins another; `main` ones have one letter as far as can be.

    At most 26 labels for each letter that begins two: what is beyond them gets none.
    """
    every: list[str] = []
    for single in range(len(LETTERS), -1, -1):
        every = [*LETTERS[:single], *(a + b for a in LETTERS[single:] for b in LETTERS)]
        if main <= single and main + others <= len(every):
            break
    return every[:main], every[main : main + others]


class Jump(ModalScreen[None]):
    """Letters over the screen. Any other key takes them away."""

    DEFAULT_CSS = """
    Jump {
        background: transparent;
        & > Static {
            position: absolute; width: auto; height: 1; padding: 0 1; text-style: bold reverse;
            color: $text-accent; background: $background;
        }
        & > Static.-out { display: none; }
    }
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        main = [one for one in targets if one.main]
        others = [one for one in targets if not one.main]
        of_main, of_others = labels(len(main), len(others))
        self.targets = {**dict(zip(of_main, main, strict=False)), **dict(zip(of_others, others, strict=False))}
        """What can be gone to, by its letters."""
        self._typed = ""

    def compose(self) -> ComposeResult:
        if is_heard(self):
            yield Static("\n".join(f"{letters} {one.name}" for letters, one in self.targets.items()), markup=False)
            return
        for letters, target in self.targets.items():
            label = Static(letters, markup=False, name=letters)
            label.styles.offset = (target.x, target.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go to what the letters are on, or wait for the second one."""
        event.stop()
        self._typed += event.character or " "
        target = self.targets.get(self._typed)
        if target is None and any(one.startswith(self._typed) for one in self.targets):
            for label in self.query(Static):
                label.set_class(not (label.name or self._typed).startswith(self._typed), "-out")
            return
        self.dismiss(None)
        if target is not None:
            self.app.call_later(target.go)

    def on_click(self) -> None:
        """Go nowhere."""
        self.dismiss(None)


def jump_from(screen: Screen[Any]) -> None:
    """Show the letters over a screen."""
    screen.app.push_screen(Jump(list(targets_of(screen))))
