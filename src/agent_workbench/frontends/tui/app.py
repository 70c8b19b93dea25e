"""The terminal workbench as a Textual application: themes, keys, the main screen, and a clean end."""

from __future__ import annotations

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode

from agent_workbench.frontends.tui.commands import bindings
from agent_workbench.frontends.tui.keys import load_keymap
from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.screens.main import MainScreen
from agent_workbench.frontends.tui.screens.pick import Name, Pick
from agent_workbench.frontends.tui.themes import DEFAULT, load_themes
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.frontends.tui.widgets.find_bar import FindBar
from agent_workbench.frontends.tui.widgets.form import Choice
from agent_workbench.frontends.tui.widgets.history import History
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.problems import ProblemList
from agent_workbench.frontends.tui.widgets.prompt import PromptArea
from agent_workbench.frontends.tui.widgets.question import QuestionCard
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.frontends.tui.widgets.session_list import SessionList
from agent_workbench.frontends.tui.widgets.transcript import Transcript
from agent_workbench.services.shared import SharedContext

#: Everything with keys of its own, for the check of a keymap file.
_WITH_KEYS: tuple[type[DOMNode], ...] = (
    YamlEditor, FindBar, RowList, Browser, ConfigList, SessionList, ProblemList, History, Choice, PaneGrid, ChatPane,
    PromptArea, Transcript, QuestionCard, AddEntry, Pick, Name,
)  # fmt: skip


class WorkbenchApp(App[None]):
    """Shows a workbench. Whoever made `shared` closes it after `run` returns."""

    TITLE = "Agent Workbench"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = []

    def __init__(self, shared: SharedContext) -> None:
        super().__init__()
        self.shared = shared
        self.themes = load_themes()
        for theme in self.themes.by_name.values():
            self.register_theme(theme)
        wanted = shared.store.setting("tui.theme", DEFAULT)
        self.theme = wanted if wanted in self.themes.by_name else DEFAULT

    def on_mount(self) -> None:
        keymap, problems = load_keymap(_known_keys())
        if keymap:
            self.set_keymap(keymap)
        self.push_screen(MainScreen(self.shared))
        for problem in (*problems, *self.themes.problems):
            self.notify(str(problem), title="Not used", severity="warning", markup=False)

    async def action_quit(self) -> None:
        """End after asking about what would be lost."""
        if isinstance(self.screen, MainScreen):
            await self.screen.run_action("do('quit')")
        else:
            self.exit()


def _known_keys() -> dict[str, str]:
    """Return the default keys of every binding that has an id."""
    found: dict[str, str] = {}
    own = (one for kind in _WITH_KEYS for one in kind.BINDINGS)
    for binding in (*bindings(), *own):
        if isinstance(binding, Binding) and binding.id:
            found[binding.id] = binding.key
    return found
