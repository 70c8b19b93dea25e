"""Small dialogs: choose one of a few rows, or give a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.ranking import fitting
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.frontends.tui.widgets.row_list import LedList, Row, RowList


def options(*pairs: tuple[str, str]) -> list[Row]:
    """Return rows from ids and what is written for them."""
    return [Row(id, [(clean_line(words), "")]) for id, words in pairs]


def explained(*told: tuple[str, str, str]) -> list[Row]:
    """Return rows from ids, names, and what they mean, which stands in a column of its own."""
    names = [clean_line(name) for _, name, _ in told]
    widest = max(map(cell_len, names), default=0)
    return [
        Row(id, [(name + " " * (widest - cell_len(name)), ""), (f"   {clean_line(about)}", "muted")])
        for name, (id, _, about) in zip(names, told, strict=True)
    ]


class Pick(Dialog[str | None]):
    """Returns the id of a row, None for escape. With `search` the rows are filtered by what is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.accept", "enter", "accept", "choose", "Choose the row"),
        bind("dialog.cancel", "escape", "cancel", "cancel", "Choose nothing"),
        bind("dialog.up", "up", "move(-1)", "up", "The row above", show=False),
        bind("dialog.down", "down", "move(1)", "down", "The row below", show=False),
    ]
    ABOUT = "Choose a row; where there is a line to type in, it shows only what holds the words."

    def __init__(self, title: str, rows: Sequence[Row], *, note: str = "", search: bool = False, at: str = "") -> None:
        super().__init__()
        self._title = title
        self.rows = tuple(rows)
        self._note = note
        self._search = search
        self._at = at

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="wide" if self._search else "small") as box:
            box.border_title = Content(clean_line(self._title))  # a str would be read as markup
            if self._note:
                yield Static(clean(self._note), classes="note", markup=False)
            if self._search:
                yield LineInput(placeholder="type to search", id="words")
            yield LedList(empty="nothing fits") if self._search else RowList(empty="nothing fits")

    def on_mount(self) -> None:
        rows = self.query_one(RowList)
        rows.styles.height = min(16, max(1, len(self.rows)))
        rows.put(self.rows, at=self._at)
        (self.query_one("#words") if self._search else rows).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        rows = self.query_one(RowList)
        rows.put(self.found(event.value))
        rows.action_first()

    def found(self, text: str) -> Sequence[Row]:
        """Return the rows that fit what is typed, the best first."""
        return fitting(self.rows, text)

    @on(Input.Submitted)
    def action_accept(self) -> None:
        """Choose the row under the cursor, wherever the focus is."""
        self.query_one(RowList).action_choose()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        self.dismiss(event.row.id)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        if event.row is not None:
            self.preview(event.row.id)

    def preview(self, id: str) -> None:
        """Called when the cursor is on a row; a subclass may show what it would mean."""

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    def action_move(self, step: int) -> None:
        """Move the cursor, wherever the focus is."""
        self.query_one(RowList).action_move(step)


class Name(Dialog[str | None]):
    """Asks for a line of text; returns it stripped, None for escape, and for nothing where it must not be `empty`.

    What stands in it at first is a suggestion, and selected: typing replaces it, right or end keep it and go on behind
    it. With `added` it is something to add to, with the cursor behind it. A `secret` is painted as dots.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.accept", "enter", "accept", "take it", "Take the text"),
        bind("dialog.cancel", "escape", "cancel", "cancel", "Change nothing"),
    ]
    ABOUT = "Write a line; enter takes it. What is selected at first goes when you type; right keeps it."

    def __init__(
        self,
        title: str,
        value: str = "",
        *,
        note: str = "",
        empty: bool = False,
        added: bool = False,
        secret: bool = False,
    ) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._note = note
        self._empty = empty
        self._added = added
        self._secret = secret

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="small") as box:
            box.border_title = Content(clean_line(self._title))  # a str would be read as markup
            if self._note:
                yield Static(clean(self._note), classes="note", markup=False)
            yield LineInput(clean_line(self._value), password=self._secret)

    def on_mount(self) -> None:
        if not self._added:
            self.query_one(LineInput).select_all()

    @on(Input.Submitted)
    def action_accept(self) -> None:
        """Take the text."""
        given = self.query_one(LineInput).value.strip()
        self.dismiss(given if given or self._empty else None)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)
