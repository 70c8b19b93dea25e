"""Shows a change of a text before it is made, and asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.widgets.change_view import ChangeView, change_lines
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList


class ConfirmChange(Dialog[str | None]):
    """Returns the id of the chosen answer, None for escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.cancel", "escape", "cancel", "cancel", "Change nothing"),
        bind("change.up", "pageup", "look(-1)", "up", "Scroll the change up", show=False, priority=True),
        bind("change.down", "pagedown", "look(1)", "down", "Scroll the change down", show=False, priority=True),
    ]
    ABOUT = "The change stands above, what may be done with it below; enter takes the answer."

    def __init__(self, title: str, old: str, new: str, answers: Sequence[Row], *, note: str = "") -> None:
        super().__init__()
        self._title, self._note = title, note
        self._lines = change_lines(old, new)
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(clean_line(self._title))  # a str would be read as markup
            if self._note:
                yield Static(clean(self._note), classes="note", markup=False)
            yield ChangeView(id="change")
            yield RowList()

    def on_mount(self) -> None:
        self.query_one(ChangeView).show(self._lines)
        self.query_one(ChangeView).styles.height = min(14, max(2, len(self._lines)))
        rows = self.query_one(RowList)
        rows.styles.height = len(self._answers)
        rows.put(self._answers)
        rows.focus()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Take the answer."""
        self.dismiss(event.row.id)

    def action_look(self, step: int) -> None:
        """Scroll the change."""
        self.query_one(ChangeView).scroll_relative(y=step * 10, animate=False)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)
