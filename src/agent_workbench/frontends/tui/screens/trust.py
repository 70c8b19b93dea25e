"""Shows what untrusted texts of a config would do, and asks whether to trust exactly these."""

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
from agent_workbench.frontends.tui.screens.sheet import SheetView
from agent_workbench.frontends.tui.widgets.lines import Line, wrap
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList
from agent_workbench.services.trust import Doubt

NOTE = (
    "Nothing of this happens until you trust it. A yes is to these texts as they are now; what changes is asked again."
)
ROLES = {"+": "added", "-": "removed"}


class TrustTexts(Dialog[bool]):
    """Returns True where the person trusts the texts, False for anything else; "no" is chosen at first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.cancel", "escape", "cancel", "cancel", "Trust nothing"),
        bind("change.up", "pageup", "look(-1)", "up", "Scroll the list up", show=False, priority=True),
        bind("change.down", "pagedown", "look(1)", "down", "Scroll the list down", show=False, priority=True),
    ]
    ABOUT = "Each text that nobody vouched for stands above, with what it would do and its hash; the answer is below."

    def __init__(self, name: str, doubts: Sequence[Doubt]) -> None:
        super().__init__()
        self._name = name
        self._doubts = tuple(doubts)

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="tall") as box:
            box.border_title = Content(clean_line(f"Trust what {self._name} brings?"))  # a str would be read as markup
            yield Static(NOTE, classes="note", markup=False)
            yield SheetView(lambda width: trust_lines(self._doubts, width))
            yield RowList()

    def on_mount(self) -> None:
        count = f"these {len(self._doubts)} texts" if len(self._doubts) > 1 else "this text"
        answers = [Row("no", [("No, hold it back", "")]), Row("yes", [(f"Yes, trust {count}", "warn")])]
        rows = self.query_one(RowList)
        rows.styles.height = len(answers)
        rows.put(answers)
        rows.focus()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Take the answer."""
        self.dismiss(event.row.id == "yes")

    def action_look(self, step: int) -> None:
        """Scroll the list by a page."""
        self.query_one(SheetView).action_scroll(20 * step)

    def action_cancel(self) -> None:
        """Trust nothing."""
        self.dismiss(False)


def trust_lines(doubts: Sequence[Doubt], width: int) -> list[Line]:
    """Return the page: each text with its hash, what it would do, and what changed since it was trusted."""
    lines: list[Line] = []
    for doubt in doubts:
        lines += wrap([(doubt.title, "heading strong")], width)
        lines.append([(clean_line(f"  sha256 {doubt.document.digest}", width), "muted")])
        for held in doubt.held:
            place = (f"{held.origin.line:>5}  ", "muted")
            lines += wrap([("would ", "muted"), (clean_line(held.what), "warn")], width, [place], [(" " * 7, "")])
        if not doubt.held:
            lines.append([("  would do nothing of this kind", "muted")])
        if diff := doubt.diff():
            lines.append([("  changed since you trusted it:", "strong")])
            for line in clean(diff).splitlines():
                lines += wrap([(line, ROLES.get(line[:1], "muted"))], width, [("  ", "")])
        lines.append([])
    return lines
