"""What all dialogs have in common: F1 says what the dialog is for, and its keys; letters go to everything in it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from agent_workbench.frontends.tui.jump import jump_from
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.screens.framed import Framed, T
from agent_workbench.frontends.tui.screens.help import Help, help_rows

#: Lines under which a dialog gives up what only looks better.
SHORT = 32
#: Columns under which it does.
NARROW = 100


class Dialog(Framed[T]):
    """A screen over the others. A click beside it changes nothing: only a key or an answer closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("app.help", "f1", "help", "help", "What this is for, and its keys", show=False, priority=True),
        bind("app.jump", "alt+j", "jump", "jump", "Letters go to everything here", show=False, priority=True),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SHORT, "-tall")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide")]
    ABOUT: ClassVar[str] = ""
    """What a person does here, in a sentence."""

    def __init__(self) -> None:
        super().__init__(classes="dialog")

    def action_help(self) -> None:
        """Say what the dialog is for."""
        self.app.push_screen(Help(self.ABOUT, list(help_rows(list(self.active_bindings.values())))))

    def action_jump(self) -> None:
        """Label everything that can have the focus."""
        jump_from(self)
