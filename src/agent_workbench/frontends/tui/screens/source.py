"""The text of an include, to look at: the line that set a value is in the middle."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.services.secrets import masked


class SourceView(Dialog[None]):
    """A text that is not edited here. Escape goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.cancel", "escape,q", "close", "close", "Back to the plan", priority=True),
    ]
    ABOUT = "The text of an include, to read; it is not edited here."

    def __init__(self, title: str, text: str, line: int) -> None:
        super().__init__()
        self._title = title
        self._text = masked(text)
        self._line = line

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="page") as box:
            box.border_title = Content(clean_line(self._title))  # a str would be read as markup
            yield Static("Included, so not edited here.", classes="note")
            yield YamlEditor(self._text)

    def on_mount(self) -> None:
        editor = self.query_one(YamlEditor)
        editor.read_only = True
        editor.focus()
        self.call_after_refresh(editor.go_to, max(1, self._line))

    def words_of(self, id: str, words: str) -> str:
        """Name no key of an editor: nothing is edited."""
        return words if id.startswith("dialog.") else ""

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
