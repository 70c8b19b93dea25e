"""Keys: bindings with an id each, and the person's own keymap file over them.

Never bound, because terminals send the same byte for another key: ctrl+m (enter), ctrl+i (tab), ctrl+h (backspace)
and ctrl+[ (escape).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from textual.binding import Binding
from textual.keys import Keys
from textual.screen import Screen

from agent_workbench.configs.problems import Problem
from agent_workbench.configs.reader import read
from agent_workbench.configs.words import nearest
from agent_workbench.errors import WorkbenchError
from agent_workbench.paths import config_dir
from agent_workbench.services.files import read_text

SAME_BYTE = {
    "ctrl+m": "enter",
    "ctrl+i": "tab",
    "ctrl+h": "backspace",
    "ctrl+[": "escape",
    "ctrl+left_square_bracket": "escape",
}
PRESETS: Mapping[str, Mapping[str, str]] = {
    "vim": {
        "list.up": "up,k", "list.down": "down,j", "list.first": "home,g", "list.last": "end,G",
        "list.page_up": "pageup,ctrl+u", "list.page_down": "pagedown,ctrl+d",
        "sheet.page_up": "pageup,b,ctrl+u", "sheet.page_down": "pagedown,space,ctrl+d",
    },
    "emacs": {
        "app.palette": "alt+x", "session.new": "alt+n", "layout.lists": "alt+m",
        "list.up": "up,ctrl+p", "list.down": "down,ctrl+n", "list.page_up": "pageup,alt+v",
        "list.page_down": "pagedown,ctrl+v", "dialog.up": "up,ctrl+p", "dialog.down": "down,ctrl+n",
        "dialog.cancel": "escape,ctrl+g", "browser.back": "escape,ctrl+g",
        "sheet.up": "up,k,ctrl+p", "sheet.down": "down,j,ctrl+n", "sheet.page_up": "pageup,b,alt+v",
        "sheet.page_down": "pagedown,space,ctrl+v", "prompt.older": "up,ctrl+p", "prompt.newer": "down,ctrl+n",
        "transcript.up": "up,ctrl+p", "transcript.down": "down,ctrl+n", "transcript.page_up": "pageup,alt+v",
        "transcript.page_down": "pagedown,ctrl+v",
    },
}  # fmt: skip
"""Keys to begin with, by the name that `preset:` in the keymap file takes; the file's own lines win over them.

The text has no modes in either: `ctrl+g` opens it in your own editor.
"""
PRESET = "preset"
_NAMED = {key.value for key in Keys}
_MODIFIERS = {"ctrl", "alt", "shift", "super", "hyper", "meta"}
#: The groups of bindings that work where a person writes: there a letter alone is a letter.
_WRITTEN = {"editor", "prompt", "find", "chat_find", "chat", "transcript"}


def bind(id: str, key: str, action: str, label: str, tip: str, *, show: bool = True, priority: bool = False) -> Binding:
    """Make a binding: `id` is what a keymap file names, `label` stands in the footer, `tip` in the help."""
    return Binding(key, action, label, id=id, tooltip=tip, show=show, priority=priority)


def keys_in_use(screen: Screen[Any]) -> dict[str, str]:
    """Return the keys that work now by the ids of their bindings, the person's own ones where they chose some."""
    found: dict[str, str] = {}
    for one in screen.active_bindings.values():
        if one.binding.id:
            found.setdefault(one.binding.id, one.binding.key)
    return found


def keymap_path() -> Path:
    """Return where the person's keymap file is looked for: `keymap.yaml`, a map of binding ids to keys."""
    return config_dir() / "keymap.yaml"


def read_keymap(
    text: str, known: Mapping[str, str], everywhere: Collection[str] = ()
) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Return the keys of a keymap file by binding id, and what in it cannot be used, each with its line.

    `known` maps every id to its default keys; `everywhere` names those that work in every part of the screen. Refused
    by name: unknown presets and ids, keys that are none, letters where they are written, and two ids on one key where
    both would work at once: those of one group (the part before the dot), and any with one that works everywhere. The
    lines of the file win over the preset. What is no map of YAML gives no keys at all.
    """
    source = str(keymap_path())
    reading = read(text, source=source, markdown=False)
    if reading.root is not None and not isinstance(reading.root.value, dict | None):
        return {}, (_bad("the keymap must map binding ids to keys, as in `editor.save: ctrl+s`", 1),)
    if reading.problems:
        return {}, tuple(_bad(f"not used at all: {one.message}", one.line, one.hint) for one in reading.problems)
    line_of = {path[0]: place.line for path, place in reading.keys.items() if len(path) == 1}
    problems: list[Problem] = []
    own: dict[str, str] = {}
    for id, keys in reading.data.items():
        message, hint = _preset_complaint(keys) if id == PRESET else _complaint(id, keys, known, everywhere)
        if message:
            problems.append(_bad(message, line_of[id], hint))
        elif id != PRESET:
            own[id] = str(keys)
    preset = PRESETS.get(str(reading.data.get(PRESET)), {})
    others = dict(_left(preset, known, own, everywhere))
    for id, message in _clashes({**known, **others, **own}, own, everywhere).items():
        del own[id]
        problems.append(_bad(message, line_of[id]))
    return {**dict(_left(preset, known, own, everywhere)), **own}, tuple(problems)


def _left(
    preset: Mapping[str, str], known: Mapping[str, str], own: Mapping[str, str], everywhere: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield what a preset still gives where some ids and keys are the person's own."""
    for id, keys in preset.items():
        if id in own or id not in known:
            continue
        taken = {one for other in own if _at_once(id, other, everywhere) for one in _each(own[other])}
        if left := [one for one in _each(keys) if one not in taken]:
            yield id, ",".join(left)


def load_keymap(
    known: Mapping[str, str], everywhere: Collection[str] = ()
) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Return the person's own keys (see `read_keymap`); nothing where there is no file."""
    path = keymap_path()
    if not path.exists():
        return {}, ()
    try:
        return read_keymap(read_text(path), known, everywhere)
    except WorkbenchError as error:
        return {}, (_bad(f"the keymap cannot be read: {error}"),)


def _preset_complaint(name: object) -> tuple[str, str]:
    """Return what is wrong with the name of a preset, and a way out; empty where nothing is."""
    if name is None or (isinstance(name, str) and name in PRESETS):
        return "", ""
    return f"there is no preset {name!r}; there are {' and '.join(PRESETS)}", _guess(str(name), PRESETS)


def _complaint(id: str, keys: object, known: Mapping[str, str], everywhere: Collection[str]) -> tuple[str, str]:
    """Return what is wrong with a line, and a way out; empty where nothing is."""
    if id not in known:
        return f"no binding has the id {id!r}", _guess(id, known) or "F1 lists them"
    if not isinstance(keys, str) or not keys.strip():
        return f"{id}: keys are written as text, several separated by commas", ""
    for key in _each(keys):
        if key in SAME_BYTE:
            return f"{id}: terminals cannot tell {key} from {SAME_BYTE[key]}", ""
        *modifiers, last = key.split("+")
        if not set(modifiers) <= _MODIFIERS or not (len(last) == 1 or last in _NAMED):
            return f"{id}: {key!r} is not a key", _guess(key, _NAMED)
        if len(key) == 1 and (id in everywhere or id.partition(".")[0] in _WRITTEN):
            return f"{id}: {key!r} would be taken from what you write", "put a ctrl+ or alt+ before it"
    return "", ""


def _guess(word: str, known: Iterable[str]) -> str:
    near = nearest(word, known)
    return f"did you mean {near}?" if near else ""


def _each(keys: str) -> list[str]:
    return [one.strip() for one in keys.split(",")]


def _at_once(id: str, other: str, everywhere: Collection[str]) -> bool:
    """Whether the keys of two ids work in one place."""
    alike = other.partition(".")[0] == id.partition(".")[0]
    return other != id and (alike or id in everywhere or other in everywhere)


def _clashes(keys: Mapping[str, str], changed: Iterable[str], everywhere: Collection[str]) -> dict[str, str]:
    """Return, for each changed id that takes a key from another id that works at once, a line that names both."""
    found: dict[str, str] = {}
    for id in changed:
        for other, theirs in keys.items():
            both = set(_each(keys[id])) & set(_each(theirs)) if _at_once(id, other, everywhere) else ()
            if both:
                found[id] = f"{id} and {other} would both be {', '.join(sorted(both))}"
    return found


def _bad(message: str, line: int = 0, hint: str = "") -> Problem:
    return Problem("warning", message, line, hint=hint, source=str(keymap_path()), code="keymap")
