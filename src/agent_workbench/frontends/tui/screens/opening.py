"""The screen of the first moments, while the rest of the program is loaded behind it."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from agent_workbench.frontends.tui.widgets.first_look import FirstLook
from agent_workbench.storage.glimpse import Glimpse


class Opening(Screen[None]):
    """Shows what was open last time. Keys and pastes are kept for the screen that follows: none is lost."""

    def __init__(self, glimpse: Glimpse | None) -> None:
        super().__init__()
        self._glimpse = glimpse
        self.kept: list[events.Key | events.Paste] = []

    def compose(self) -> ComposeResult:
        if self._glimpse is not None:
            yield FirstLook(self._glimpse)

    def on_key(self, event: events.Key) -> None:
        """Keep a key."""
        event.stop().prevent_default()
        self.kept.append(event)

    def on_paste(self, event: events.Paste) -> None:
        """Keep what was pasted."""
        event.stop()
        self.kept.append(event)
