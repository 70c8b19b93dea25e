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
from agent_workbench.frontends.tui.keys import PRESET, PRESETS, keymap_path, load_keymap
from agent_workbench.frontends.tui.screens.settings import Settings
from agent_workbench.frontends.tui.themes import DEFAULT, THEME, load_themes
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
        await self._screen.app.push_screen_wait(Settings(self.rows, self.change, self.reset, told))

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
                 "vim or emacs: keys to begin with"),
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
                name = await asyncio.to_thread(_take_next_preset)
                await self._take_keys()
                self._say(f"Preset: {name or 'none'}")
            elif id == "keymap" or id.startswith("file "):
                await self._edit(id)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")

    async def reset(self, id: str) -> None:
        """Put back the default of a setting; lines of a file stay where they are, but for the one that sets it."""
        try:
            if any(one.id == id for one in CHOICE_LIST):
                await self._choose(id, ())
            elif id == "theme":
                self._screen.app.theme = DEFAULT
                await self._shared.remembered.keep(THEME, None)
            elif id == "preset":
                await asyncio.to_thread(_set_preset, "")
                await self._take_keys()
            elif id.startswith("file "):
                await asyncio.to_thread(_remove, preferences_path(), id.removeprefix("file "))
                self._screen.tell(f"{preferences_path().name} holds from the next start.")
            else:
                self._screen.tell("Which of your keys are to go? Enter opens the file.")
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")

    async def _choose(self, id: str, values: Sequence[str]) -> None:
        """Take the next of some values, without any the default, and say which holds now."""
        stored = await self._shared.remembered.recall(CHOICES)
        choices = Choices.of(stored)
        if choices.origins[id].startswith("$"):
            self._screen.tell(f"{choices.origins[id]} decides that; unset it to choose here.")
            return
        kept = {one: value for one, value in (stored if isinstance(stored, dict) else {}).items() if one != id}
        if values:
            kept[id] = values[(values.index(choices.values[id]) + 1) % len(values)]
        await self._shared.remembered.keep(CHOICES, kept)
        choices = Choices.of(kept)
        self._use(choices)
        title = next(one.title for one in CHOICE_LIST if one.id == id)
        self._say(f"{title}: {choices.values[id]}")

    def _say(self, words: str) -> None:
        """Say what holds now where the settings, which show it, are not open."""
        if self._screen.is_current:
            self._screen.tell(words)

    async def _take_keys(self) -> None:
        """Let the keymap file hold as it is now, and say what in it cannot be used."""
        from agent_workbench.frontends.tui.known_keys import command_ids, known_keys

        keymap, problems = await asyncio.to_thread(load_keymap, known_keys(), command_ids())
        self._screen.app.set_keymap(keymap)
        for problem in problems:
            self._screen.tell(str(problem), title="Not used", severity="warning")

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
        if id == "keymap":
            await self._take_keys()
            return
        try:
            load_preferences(path)
        except ConfigError as error:
            self._screen.tell(f"Correct it before the next start: {error}", title=error.title, severity="error")
            return
        self._screen.tell(f"{path.name} holds from the next start.")


def told(id: str) -> str:
    """Return what a setting means, its default, and when a change holds, by the id of its row."""
    choice = next((one for one in CHOICE_LIST if one.id == id), None)
    if choice is not None:
        decides = f"${choice.variable} in the environment decides where it is set"
        return f"{choice.help}. {decides}. Default: {choice.values[0]}."
    return _MEANING.get(id, "")


_MEANING = {
    "theme": f"The colours of everything. A YAML file in the folder below is one more. Default: {DEFAULT}.",
    "preset": "Keys to begin with in lists, dialogs and text; lines of your own win over them. Holds at once. "
              "Default: none.",
    "keymap": "Your own keys: an id and its keys on each line; F1 shows the ids. Opens in $EDITOR and holds at once. "
              "Default: none.",
    "file sources": "Local folders or files in place of the URIs of includes: URI: ~/folder. Opens in $EDITOR; holds "
                    "from the next start. Default: none.",
    "file trusted": "Folders that includes may lead to from outside, whose files are trusted. Opens in $EDITOR; holds "
                    "from the next start. Default: none.",
    "file registered": "Names that includes may use for URIs: name: URI. Opens in $EDITOR; holds from the next start. "
                       "Default: none.",
    "file offline": "true: git and https includes come from the cache alone. Opens in $EDITOR; holds from the next "
                    "start. Default: false.",
}  # fmt: skip


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


def _take_next_preset() -> str:
    """Write the next preset into the keymap file and return its name, empty for none."""
    names, before = ["", *PRESETS], _preset()
    name = names[(names.index(before) + 1) % len(names)] if before in names else ""
    _set_preset(name)
    return name


def _set_preset(name: str) -> None:
    """Write a preset into the keymap file, or none; every other byte of it stays."""
    path = keymap_path()
    if not name:
        _remove(path, PRESET)
        return
    text = _text(path)
    save_changed(path, text, Document(text, markdown=False).set_value((PRESET,), name).apply(text))


def _remove(path: Path, key: str) -> None:
    """Take a key out of a file, where it is in it; every other byte of it stays."""
    text = _text(path)
    document = Document(text, markdown=False)
    if key in document.data:
        save_changed(path, text, document.remove_entry((key,)).apply(text))
