"""The default keys of everything that has some, for the check of a person's keymap file."""

from __future__ import annotations

from textual.binding import Binding
from textual.dom import DOMNode

from agent_workbench.frontends.tui.commands import bindings
from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.screens.compare import Compare
from agent_workbench.frontends.tui.screens.confirm_change import ConfirmChange
from agent_workbench.frontends.tui.screens.console import Console
from agent_workbench.frontends.tui.screens.help import Help
from agent_workbench.frontends.tui.screens.pick import Name, Pick
from agent_workbench.frontends.tui.screens.settings import Settings
from agent_workbench.frontends.tui.screens.sheet import SheetView
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.frontends.tui.widgets.find_bar import FindBar
from agent_workbench.frontends.tui.widgets.find_line import FindLine
from agent_workbench.frontends.tui.widgets.form import Choice
from agent_workbench.frontends.tui.widgets.history import History
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.problems import ProblemList
from agent_workbench.frontends.tui.widgets.prompt import PromptArea
from agent_workbench.frontends.tui.widgets.question import QuestionCard
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.frontends.tui.widgets.session_list import SessionList
from agent_workbench.frontends.tui.widgets.transcript import Transcript

_WITH_KEYS: tuple[type[DOMNode], ...] = (
    YamlEditor, FindBar, RowList, Browser, ConfigList, SessionList, ProblemList, History, Choice, PaneGrid, ChatPane,
    PromptArea, Transcript, QuestionCard, FindLine, AddEntry, Pick, Name, Help, Compare, ConfirmChange, Console,
    Settings, SheetView,
)  # fmt: skip


def known_keys() -> dict[str, str]:
    """Return the default keys of every binding that has an id."""
    found: dict[str, str] = {}
    own = (one for kind in _WITH_KEYS for one in kind.BINDINGS)
    for binding in (*bindings(), *own):
        if isinstance(binding, Binding) and binding.id:
            found[binding.id] = binding.key
    return found


def command_ids() -> frozenset[str]:
    """Return the ids of the keys that work in every part of the screen."""
    return frozenset(one.id for one in bindings() if isinstance(one, Binding) and one.id)
