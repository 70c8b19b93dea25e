"""Jump mode: a letter on everything that can have the focus; pressing it goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from agent_workbench.frontends.tui.screens.help import named
from agent_workbench.frontends.tui.widgets.tab_line import TabLine

#: The letters, those under the fingers first.
LETTERS = "asdfghjklqwertyuiopzxcvbnm"


@dataclass(frozen=True)
class Target:
    """A place of the screen, and what going there means."""

    x: int
    y: int
    go: Callable[[], object]
    name: str = ""


def targets_of(screen: Screen[None]) -> Iterator[Target]:
    """Yield what can be gone to, from the top left to the bottom right."""
    found: list[Target] = []
    for widget in screen.focus_chain:
        region = widget.region
        if region.area and screen.region.contains_point(region.offset):
            found.append(Target(region.x, region.y, widget.focus, named(widget)))
    for line in screen.query(TabLine):
        if line.region.area:
            found += [Target(line.region.x + x, line.region.y, go, tab) for x, go, tab in line.places()]
    yield from sorted(found, key=lambda one: (one.y, one.x))


class Jump(ModalScreen[None]):
    """Letters over the screen. Any other key takes them away."""

    DEFAULT_CSS = """
    Jump {
        background: transparent;
        & > Static {
            position: absolute; width: 3; height: 1; text-align: center; text-style: bold reverse;
            color: $text-accent; background: $background;
        }
    }
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self._targets = dict(zip(LETTERS, targets, strict=False))

    def compose(self) -> ComposeResult:
        if self.app.has_class("-reader"):
            yield Static("\n".join(f"{letter} {one.name}" for letter, one in self._targets.items()), markup=False)
            return
        for letter, target in self._targets.items():
            label = Static(letter, markup=False)
            label.styles.offset = (target.x, target.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go to what the letter is on."""
        event.stop()
        target = self._targets.get(event.character or "")
        self.dismiss(None)
        if target is not None:
            self.app.call_later(target.go)

    def on_click(self) -> None:
        """Go nowhere."""
        self.dismiss(None)


def jump_from(screen: Screen[None]) -> None:
    """Show the letters over a screen."""
    screen.app.push_screen(Jump(list(targets_of(screen))))
