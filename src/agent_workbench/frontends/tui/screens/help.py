"""F1: what the focused thing is for, the keys that work in it, and the keys that work everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind, keymap_path
from agent_workbench.frontends.tui.widgets.footer import key_name
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList


def help_rows(focused: Widget | None, active: Sequence[ActiveBinding]) -> Iterator[Row]:
    """Yield the help of a widget and the keys that work in it, nearest first."""
    about = (type(focused).__doc__ or "").strip().split("\n\n")[0] if focused is not None else ""
    if about:
        yield Row("about", [(clean_line(about), "strong")], heading=True)
    seen: set[str] = set()
    node: object = None
    for one in active:
        binding = one.binding
        if binding.id is None or binding.id in seen or not binding.description:
            continue
        seen.add(binding.id)
        if one.node is not node:
            node = one.node
            yield Row(f"node {len(seen)}", [("", "")], heading=True)
            yield Row(f"head {len(seen)}", [(_title(one.node), "heading")], heading=True)
        left = [(f"{key_name(binding.key):<12} ", "key"), (clean_line(one.tooltip or binding.description), "")]
        yield Row(binding.id, left, [(binding.id, "muted")])
    yield Row("end", [("", "")], heading=True)
    yield Row("keymap", [(f"Other keys: name the ids at the right in {keymap_path()}", "muted")], heading=True)


def _title(node: object) -> str:
    words = type(node).__name__
    return {"MainScreen": "everywhere", "WorkbenchApp": "everywhere"}.get(words, "".join(
        f" {letter.lower()}" if letter.isupper() else letter for letter in words
    ).strip())  # fmt: skip


class Help(ModalScreen[None]):
    """Keys, as they are now, with the person's own keymap in them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.cancel", "escape,f1,q,enter", "close", "close", "Close the help"),
    ]

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__(classes="dialog")
        self._rows = rows

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="tall") as box:
            box.border_title = "Help"
            yield RowList()

    def on_mount(self) -> None:
        rows = self.query_one(RowList)
        rows.put(self._rows)
        rows.focus()

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)
