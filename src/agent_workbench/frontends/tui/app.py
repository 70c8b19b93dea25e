"""The terminal workbench as a Textual application: themes, keys, the main screen, and a clean end."""

from __future__ import annotations

from textual.app import App
from textual.binding import Binding

from agent_workbench.frontends.tui.commands import bindings
from agent_workbench.frontends.tui.keys import load_keymap
from agent_workbench.frontends.tui.screens.main import MainScreen
from agent_workbench.frontends.tui.themes import DEFAULT, load_themes
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.frontends.tui.widgets.prompt import PromptArea
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.services.shared import SharedContext


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
    for one in (*bindings(), *YamlEditor.BINDINGS, *RowList.BINDINGS, *PromptArea.BINDINGS):
        if isinstance(one, Binding) and one.id:
            found[one.id] = one.key
    return found
