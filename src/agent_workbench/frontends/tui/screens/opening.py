"""The screen of the first moments, while the rest of the program is loaded behind it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen

from agent_workbench.frontends.tui.widgets.first_look import FirstLook
from agent_workbench.storage.glimpse import Glimpse


class Opening(Screen[None]):
    """Shows what was open last time. The application keeps what is pressed for the screen that follows."""

    def __init__(self, glimpse: Glimpse | None) -> None:
        super().__init__()
        self._glimpse = glimpse

    def compose(self) -> ComposeResult:
        if self._glimpse is not None:
            yield FirstLook(self._glimpse)
