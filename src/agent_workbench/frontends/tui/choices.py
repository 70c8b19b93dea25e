"""What a person chose for the screen, where each choice comes from, and what it does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.filter import Monochrome

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

#: Where the choices are remembered.
CHOICES = "tui.choices"


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: the first of its `values` holds where nothing was chosen.

    `variable` of the environment decides where it is set: then the last of the values holds.
    """

    id: str
    title: str
    help: str
    values: tuple[str, ...]
    variable: str = ""


CHOICE_LIST = (
    Choice("motion", "Motion", "off: nothing slides or spins", ("on", "off"), "AWB_NO_MOTION"),
    Choice("colour", "Colour", "off: shades of grey, state by signs and words", ("on", "off"), "NO_COLOR"),
    Choice("reader", "For screen readers", "on: one part at a time, no frames, news as text", ("off", "on"),
           "AWB_SCREEN_READER"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """The values that hold, by id, and where each comes from."""

    values: Mapping[str, str]
    origins: Mapping[str, str]

    @classmethod
    def of(cls, stored: object, environ: Mapping[str, str] | None = None) -> Choices:
        """Read what was remembered; the environment wins, and what does not fit is left out."""
        env = os.environ if environ is None else environ
        kept: Mapping[str, Any] = stored if isinstance(stored, Mapping) else {}
        values: dict[str, str] = {}
        origins: dict[str, str] = {}
        for one in CHOICE_LIST:
            if env.get(one.variable):
                values[one.id], origins[one.id] = one.values[-1], f"${one.variable}"
            elif kept.get(one.id) in one.values:
                values[one.id], origins[one.id] = str(kept[one.id]), "chosen here"
            else:
                values[one.id], origins[one.id] = one.values[0], "as shipped"
        return cls(values, origins)


def apply(choices: Choices, screen: MainScreen) -> None:
    """Make the choices hold."""
    app = screen.app
    reader = choices.values["reader"] == "on"
    app.animation_level = "none" if reader or choices.values["motion"] == "off" else "full"
    _grey(app, choices.values["colour"] == "off")
    screen.set_class(choices.values["colour"] == "off", "-grey")
    if reader != screen.parts.linear:
        screen.parts.linear = reader
        screen.set_class(reader, "-reader")
        screen.show_view(screen.view, focus=False)


def _grey(app: App[Any], on: bool) -> None:
    """Paint in shades of grey, or in colours again. Textual does the first by itself where NO_COLOR is set."""
    filters = [one for one in app._filters if not isinstance(one, Monochrome)]
    wanted = [*filters, Monochrome()] if on else filters
    if len(wanted) != len(app._filters):
        app._filters[:] = wanted
        app.refresh_css(animate=False)
        for screen in app.screen_stack:
            for widget in screen.walk_children():
                widget.notify_style_update()
                widget.refresh()
