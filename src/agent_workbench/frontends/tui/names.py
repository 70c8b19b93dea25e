"""What a person calls a part of the screen: in the help, in jump mode, and where the screen is read aloud."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from agent_workbench.configs.words import counted
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.frontends.tui.widgets.session_view import SessionView

#: What a person calls a widget, where its class says it otherwise.
NAMES: Mapping[str, str] = {
    "MainScreen": "everywhere", "WorkbenchApp": "everywhere", "CompletingEditor": "text",
    "YamlEditor": "text", "SafeArea": "text", "Reason": "line", "RowList": "list",
    "PromptArea": "prompt", "Transcript": "what was said", "QuestionCard": "permission question",
    "SessionPane": "pane", "PaneGrid": "pane", "ConfigList": "configs", "SessionList": "sessions",
    "ProblemList": "problems", "LineInput": "line", "FindBar": "find", "SheetView": "page", "Choice": "value",
    **dict.fromkeys(("AddEntry", "Compare", "ConfirmChange", "Console", "Name", "Pick", "Settings", "Sheet",
                     "SourceView", "ThemePicker", "Palette", "TrustTexts"), "dialog"),
}  # fmt: skip


def named(widget: Widget) -> str:
    """Return what a person calls a widget here: the part of the screen that it is in, its label, and its kind."""
    kind = type(widget).__name__
    around = [node for node in widget.ancestors_with_self if isinstance(node, Widget)]
    titles = (Content.from_markup(node.border_title).plain for node in around if node.border_title)
    panes = (node.spoken_name for node in around if isinstance(node, SessionView))
    words = [next(panes, None) or next(titles, ""), _label(widget), NAMES.get(kind, kind.lower())]
    if isinstance(widget, RowList):
        count = sum(not row.heading for row in widget.rows)
        words[-1] += f", {counted(count, 'row')}"
    return clean_line(": ".join(word for word in words if word), 200)


def _label(widget: Widget) -> str:
    """Return what stands before a widget on its line, or in it while it is empty."""
    beside = list(widget.parent.children) if widget.parent else []
    before = reversed(beside[: beside.index(widget)] if widget in beside else [])
    labels = (one for one in before if isinstance(one, Static) and (one.has_class("name") or one.has_class("label")))
    return next((str(one.render()).strip() for one in labels), "") or str(getattr(widget, "placeholder", ""))
