"""The saved texts of a config: what each changed, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.change_view import ChangeView, change_lines
from agent_workbench.frontends.tui.widgets.diff_columns import LEAST, column_lines
from agent_workbench.frontends.tui.widgets.lines import Line, wrap
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList
from agent_workbench.storage.records import Revision

#: How many revisions are listed. Whoever asks for one more lets the last of them be compared with the one before it.
LISTED = 1000


def revision_rows(revisions: Sequence[Revision]) -> Iterator[Row]:
    """Yield a row for each revision, newest first, and one that says so where there are more than `LISTED`.

    The note comes first, its author where others saved too.
    """
    several = len({one.author for one in revisions}) > 1
    for number, one in enumerate(revisions[:LISTED]):
        now = [("now  ", "state")] if number == 0 else []
        when = one.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        left = [(f"{one.revision:>4}  ", "strong"), *now, (clean_line(one.note) or "edited", "")]
        right = [(f"  {when}", "muted")]
        if several:
            right.append((f"  {clean_line(one.author, 20)}", "muted"))
        yield Row(str(one.revision), left, right, right_yields=True)
    if len(revisions) > LISTED:
        words = f"      older ones are kept, too: awb config diff --from {revisions[LISTED].revision}"
        yield Row("older", [(words, "muted")], heading=True)


def _heading(this: Revision, old: Revision | None, new: Revision, width: int) -> list[Line]:
    """Say what is compared, and the whole note of the revision under the cursor with who wrote it."""
    way = f"revision {old.revision} → {new.revision}" if old is not None else f"revision {new.revision}, the first kept"
    said = [part for part in (clean_line(this.note), f"by {clean_line(this.author)}" if this.author else "") if part]
    return wrap([(way, "strong"), (f"  {' · '.join(said)}", "muted")], max(width, 20))


class History(Vertical):
    """Everything of the History tab: revisions above, the change of the chosen one below."""

    DEFAULT_CSS = """
    History {
        & > RowList { min-height: 3; max-height: 34%; }
        & > ChangeView { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("history.restore", "r", "restore", "restore", "Save this revision again, as the newest"),
        bind("history.columns", "s", "columns", "side by side", "Both texts in two columns, or in one"),
        bind("history.compare", "d", "compare", "compare with now", "Show the way from this revision to the newest"),
        bind("history.plans", "p", "plans", "as plans", "What that changes for a session"),
    ]

    @dataclass
    class Restore(Message):
        """Save an old revision again."""

        view: History
        revision: int

    @dataclass
    class Plans(Message):
        """Show what changes for a session from one revision (None: from nothing) to another."""

        view: History
        old: Revision | None
        new: Revision

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._revisions: Sequence[Revision] = ()
        self._with_now = False
        self._columns: bool | None = None
        """None: two columns where they can be read."""

    def compose(self) -> ComposeResult:
        yield RowList(empty="Nothing saved yet.")
        yield ChangeView()

    def show(self, revisions: Sequence[Revision]) -> None:
        """Show revisions, newest first."""
        self._revisions = revisions
        rows = list(revision_rows(revisions))
        listed = self.query_one(RowList)
        listed.styles.height = len(rows) + 1
        listed.put(rows)
        self._show_change()

    @property
    def _index(self) -> int:
        return max(0, self.query_one(RowList).cursor)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._show_change()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_compare()

    @property
    def _compared(self) -> tuple[Revision | None, Revision]:
        """What is compared: a revision with the one before it, or with the newest."""
        this = self._revisions[self._index]
        before = self._revisions[self._index + 1 : self._index + 2]
        return (this, self._revisions[0]) if self._with_now else (before[0] if before else None, this)

    def _show_change(self) -> None:
        """Show what the revision changed, or the way from it to the newest, under words that say which."""
        lines: list[Line] = []
        if self._revisions:
            old, new = self._compared
            width = self.query_one(ChangeView).scrollable_content_region.width
            lines = _heading(self._revisions[self._index], old, new, width)
            lines += self._lines(old.yaml_content if old else "", new.yaml_content)
        self.query_one(ChangeView).show(lines)

    def _lines(self, old: str, new: str) -> list[Line]:
        if old == new:
            return [[("No difference.", "muted")]]
        width = self.query_one(ChangeView).scrollable_content_region.width
        columns = self._wide if self._columns is None else self._columns and width > 0
        return column_lines(old, new, width) if columns else change_lines(old, new)

    def on_resize(self) -> None:
        """Lay the columns out anew."""
        self.call_after_refresh(self._show_change)

    def action_columns(self) -> None:
        """Turn between two columns and one."""
        self._columns = not (self._wide if self._columns is None else self._columns)
        self._show_change()

    @property
    def _wide(self) -> bool:
        """Whether two columns can be read: not where one line is read after the other."""
        view = self.query_one(ChangeView)
        return view.scrollable_content_region.width >= LEAST and not view.heard

    def action_compare(self) -> None:
        """Turn between what a revision changed and the way from it to now."""
        self._with_now = not self._with_now
        self._show_change()

    def action_plans(self) -> None:
        """Ask for what is compared as plans."""
        if self._revisions:
            self.post_message(self.Plans(self, *self._compared))

    def action_restore(self) -> None:
        """Ask for the revision under the cursor to be saved again."""
        if self._index > 0:
            self.post_message(self.Restore(self, self._revisions[self._index].revision))
