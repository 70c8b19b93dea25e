"""What the settings screen shows and does: choices of the screen, keys, themes, and the person's settings file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent_workbench.configs.document import Document
from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import ConfigError, WorkbenchError
from agent_workbench.frontends.tui.access import Accessible
from agent_workbench.frontends.tui.choices import CHOICE_LIST, CHOICES, Choices
from agent_workbench.frontends.tui.keys import PRESET, PRESETS, keymap_path
from agent_workbench.frontends.tui.screens.settings import Settings
from agent_workbench.frontends.tui.themes import THEME, load_themes
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.paths import config_dir
from agent_workbench.services.files import read_text, save_changed
from agent_workbench.services.preferences import described, load_preferences, preferences_path
from agent_workbench.services.shared import SharedContext

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen


class SettingWork:
    """Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared

    async def begin(self) -> None:
        """Make the choices hold that were made before."""
        self._use(Choices.of(await self._shared.remembered.recall(CHOICES)))

    async def show(self) -> None:
        """Show the settings until they are closed."""
        await self._screen.app.push_screen_wait(Settings(self.rows, self.change))

    async def rows(self) -> Sequence[Row]:
        """Return a row for each setting."""
        choices = Choices.of(await self._shared.remembered.recall(CHOICES))
        titles = (await asyncio.to_thread(load_themes)).titles
        title = titles.get(self._screen.app.theme, self._screen.app.theme)
        kept = await self._shared.remembered.recall(THEME)
        rows = [_head("Screen"), _row("theme", "Theme", title, "chosen here" if kept else "as shipped")]
        rows += [
            _row(one.id, one.title, choices.values[one.id], choices.origins[one.id], one.help) for one in CHOICE_LIST
        ]
        preset = await asyncio.to_thread(_preset)
        rows += [
            _head("Keys"),
            _row("preset", "Preset", preset or "none", "keymap.yaml" if preset else "as shipped",
                 "vim or emacs keys in lists and dialogs; holds from the next start"),
            _row("keymap", "Keys of your own", "edit", str(keymap_path())),
            _head("Everywhere"),
        ]  # fmt: skip
        rows += [_row(f"file {one.key}", one.key, one.value, one.origin) for one in await asyncio.to_thread(described)]
        rows += [_row("", "themes of your own", "", str(config_dir() / "themes"))]
        return rows

    async def change(self, id: str) -> None:
        """Change a setting; what is in a file is edited there."""
        choice = next((one for one in CHOICE_LIST if one.id == id), None)
        try:
            if choice is not None:
                await self._choose(choice.id, choice.values)
            elif id == "theme":
                await self._screen.chores.theme()
            elif id == "preset":
                await asyncio.to_thread(_next_preset)
                self._screen.tell("The keys hold from the next start.")
            elif id == "keymap" or id.startswith("file "):
                await self._edit(id)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")

    async def _choose(self, id: str, values: Sequence[str]) -> None:
        stored = await self._shared.remembered.recall(CHOICES)
        choices = Choices.of(stored)
        if choices.origins[id].startswith("$"):
            self._screen.tell(f"{choices.origins[id]} decides that; unset it to choose here.")
            return
        value = values[(values.index(choices.values[id]) + 1) % len(values)]
        kept = {**(stored if isinstance(stored, dict) else {}), id: value}
        await self._shared.remembered.keep(CHOICES, kept)
        self._use(Choices.of(kept))

    def _use(self, choices: Choices) -> None:
        """Show everything as was chosen; who hears the screen has one part of it at a time."""
        screen = self._screen
        app = screen.app
        if isinstance(app, Accessible):
            app.use(choices)
        if choices.reader != screen.parts.linear:
            screen.parts.linear = choices.reader
            screen.show_view(screen.view, focus=False)

    async def _edit(self, id: str) -> None:
        """Edit a file of the person's in $EDITOR, and say what is wrong with it afterwards."""
        path = keymap_path() if id == "keymap" else preferences_path()
        text = await asyncio.to_thread(_text, path)
        changed = await self._screen.chores.edit_elsewhere(text)
        if changed == text:
            return
        await asyncio.to_thread(save_changed, path, text, changed)
        try:
            if id != "keymap":
                load_preferences(path)
        except ConfigError as error:
            self._screen.tell(f"Correct it before the next start: {error}", title=error.title, severity="error")
            return
        self._screen.tell(f"{path.name} holds from the next start.")


def _row(id: str, title: str, value: str, origin: str, help: str = "") -> Row:
    left = [(f"{clean_line(title, 24):<22} ", "strong"), (f"{clean_line(value, 40):<10} ", ""), (help, "muted")]
    return Row(id, left, [(clean_line(origin, 60), "muted")], heading=not id)


def _head(words: str) -> Row:
    return Row(f"head {words}", [(words, "heading")], heading=True)


def _text(path: Path) -> str:
    """Return the text of a file of the person's, empty where there is none yet (NotFound where it cannot be read)."""
    return read_text(path) if path.exists() else ""


def _preset() -> str:
    """Return the preset that the keymap file names."""
    path = keymap_path()
    try:
        found = Document(_text(path), markdown=False).data.get(PRESET)
    except WorkbenchError:
        return ""
    return found if isinstance(found, str) else ""


def _next_preset() -> None:
    """Write the next preset into the keymap file; every other byte of it stays."""
    path = keymap_path()
    text = _text(path)
    names = ["", *PRESETS]
    before = _preset()
    after = names[(names.index(before) + 1) % len(names)] if before in names else ""
    document = Document(text, markdown=False)
    edit = document.set_value((PRESET,), after) if after else document.remove_entry((PRESET,))
    save_changed(path, text, edit.apply(text))
