"""F1: what the focused thing is for, the keys that work in it, and the keys that work everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.frontends.tui.keys import bind, keymap_path
from agent_workbench.frontends.tui.names import NAMES
from agent_workbench.frontends.tui.screens.framed import Framed
from agent_workbench.frontends.tui.widgets.footer import key_name
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList

#: What a person does in a part of the screen, by its class: of the focused thing and what is around it the first.
ABOUT: Mapping[str, str] = {
    "ConfigList": "The configs, by folder. Enter opens one, / filters by words and #tag, escape shows all again.",
    "SessionList": "The sessions and their states. Enter opens one, / searches titles and what was said in them.",
    "FindBar": "Find in the config's text: enter goes on to the next place, tab to what replaces it.",
    "CompletingEditor": "The config as text. Problems show while you type; ^space offers what fits at the cursor.",
    "PlanView": "What a session is made from after all includes. Enter goes to the line that set a value.",
    "ProblemList": "What is wrong with the config. Enter goes to the place, f fixes what knows its fix.",
    "History": "The saved revisions and what each changed. d compares with now, r restores one.",
    "FindLine": "Find in what was said: enter goes from the newest place to older ones, escape back to the prompt.",
    "PromptArea": "Write to the session: enter sends, / begins a command, @ names a file, ! runs one of the shell.",
    "Reason": "Why the call is refused; enter sends it, an empty line refuses without a reason.",
    "QuestionCard": "Something is to be allowed or refused. The exact call stands above the answers.",
    "Transcript": "What was said, block by block. Enter folds or unfolds, ^y copies; letters go to the prompt.",
}


def about(widget: Widget | None) -> str:
    """Return what a person does in a widget: what is said of it or of the part around it, else of its class."""
    if widget is None:
        return ""
    around = (ABOUT.get(type(node).__name__, "") for node in widget.ancestors_with_self)
    return next(filter(None, around), "") or " ".join((type(widget).__doc__ or "").split("\n\n")[0].split())


def help_rows(active: Sequence[ActiveBinding]) -> Iterator[Row]:
    """Yield the keys that work now, those of the focused thing first, those that work everywhere last."""
    groups: dict[str, dict[str, ActiveBinding]] = {}
    for one in active:
        if one.binding.id is not None and one.binding.description:
            name = type(one.node).__name__
            groups.setdefault(NAMES.get(name, name.lower()), {}).setdefault(one.binding.id, one)
    for number, name in enumerate(sorted(groups, key=lambda name: name == "everywhere")):
        if number:
            yield Row(f"gap {name}", [("", "")], heading=True)
        yield Row(f"head {name}", [(name, "heading")], heading=True)
        for id, one in groups[name].items():
            words = clean_line(one.tooltip or one.binding.description)
            yield Row(id, [(f"{key_name(one.binding.key):<12} ", "key"), (words, "")], [(id, "muted")])
    yield Row("end", [("", "")], heading=True)
    yield Row("keymap", [(f"Other keys: name the ids at the right in {keymap_path()}", "muted")], heading=True)


class Help(Framed[None]):
    """Keys, as they are now, with the person's own keymap in them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.cancel", "escape,f1,q,enter", "close", "close", "Close the help"),
    ]

    WORDS: ClassVar[Mapping[str, str]] = {"list.choose": ""}

    def __init__(self, words: str, rows: Sequence[Row]) -> None:
        super().__init__(classes="dialog")
        self._words = words
        self._rows = rows

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="tall") as box:
            box.border_title = "Help"
            yield Static(clean(self._words), classes="note", markup=False)
            yield RowList()

    def on_mount(self) -> None:
        rows = self.query_one(RowList)
        rows.put(self._rows)
        rows.focus()

    def on_row_list_chosen(self) -> None:
        """Close the help: enter belongs to the list, which has the focus."""
        self.action_close()

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)
