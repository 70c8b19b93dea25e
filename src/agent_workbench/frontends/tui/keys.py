"""Keys: bindings with an id each, and the person's own keymap file over them.

Never bound, because terminals send the same byte for another key: ctrl+m (enter), ctrl+i (tab), ctrl+h (backspace)
and ctrl+[ (escape).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from textual.binding import Binding
from textual.keys import Keys
from textual.screen import Screen

from agent_workbench.configs.problems import Problem
from agent_workbench.paths import config_dir

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
    },
    "emacs": {
        "app.palette": "alt+x", "session.new": "alt+n", "layout.lists": "alt+m",
        "list.up": "up,ctrl+p", "list.down": "down,ctrl+n", "list.page_up": "pageup,alt+v",
        "list.page_down": "pagedown,ctrl+v", "dialog.up": "up,ctrl+p", "dialog.down": "down,ctrl+n",
        "dialog.cancel": "escape,ctrl+g",
    },
}  # fmt: skip
"""Keys to begin with, by the name that `preset:` in the keymap file takes; the file's own lines win over them.

The text is not modal in either: `ctrl+g` opens it in your own editor.
"""
PRESET = "preset"
_NAMED = {key.value for key in Keys}
_MODIFIERS = {"ctrl", "alt", "shift", "super", "hyper", "meta"}


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
    """Return the keys of a keymap file by binding id, and what in it cannot be used.

    `known` maps every id to its default keys; `everywhere` names those that work in every part of the screen. Refused
    by name: unknown presets and ids, keys that are none, and two ids on one key where both would work at once: those
    of one group (the part before the dot), and any with one that works everywhere.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return {}, (_bad(f"the keymap is not valid YAML: {error}"),)
    if data is None:
        return {}, ()
    if not isinstance(data, dict):
        return {}, (_bad("the keymap must map binding ids to keys, as in `editor.save: ctrl+s`"),)
    preset = data.pop(PRESET, None)
    wanted: dict[str, str] = {id: keys for id, keys in PRESETS.get(str(preset), {}).items() if id in known}
    problems: list[Problem] = []
    if preset is not None and preset not in PRESETS:
        problems.append(_bad(f"there is no preset {preset!r}; there are {' and '.join(PRESETS)}"))
    for id, keys in data.items():
        complaint = _complaint(str(id), keys, known)
        if complaint:
            problems.append(_bad(complaint))
        else:
            wanted[str(id)] = str(keys)
    clashes = _clashes({**known, **wanted}, wanted, everywhere)
    for id, message in clashes.items():
        wanted.pop(id, None)
        problems.append(_bad(message))
    return wanted, tuple(problems)


def load_keymap(
    known: Mapping[str, str], everywhere: Collection[str] = ()
) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Return the person's own keys (see `read_keymap`); nothing where there is no file."""
    try:
        return read_keymap(keymap_path().read_text("utf-8"), known, everywhere)
    except FileNotFoundError:
        return {}, ()
    except (OSError, UnicodeDecodeError) as error:
        return {}, (_bad(f"the keymap cannot be read: {error}"),)


def _complaint(id: str, keys: object, known: Mapping[str, str]) -> str:
    if id not in known:
        return f"no binding has the id {id!r}; F1 lists them"
    if not isinstance(keys, str) or not keys.strip():
        return f"{id}: keys are written as text, several separated by commas"
    for key in (one.strip() for one in keys.split(",")):
        if key in SAME_BYTE:
            return f"{id}: terminals cannot tell {key} from {SAME_BYTE[key]}"
        *modifiers, last = key.split("+")
        if not set(modifiers) <= _MODIFIERS or not (len(last) == 1 or last in _NAMED):
            return f"{id}: {key!r} is not a key"
    return ""


def _clashes(keys: Mapping[str, str], changed: Iterable[str], everywhere: Collection[str]) -> dict[str, str]:
    """Return, for each changed id that takes a key from another id that works at once, a line that names both."""
    found: dict[str, str] = {}
    for id in changed:
        mine = {one.strip() for one in keys[id].split(",")}
        for other, theirs in keys.items():
            alike = other.partition(".")[0] == id.partition(".")[0]
            if other == id or not (alike or id in everywhere or other in everywhere):
                continue
            both = mine & {one.strip() for one in theirs.split(",")}
            if both:
                found[id] = f"{id} and {other} would both be {', '.join(sorted(both))}"
    return found


def _bad(message: str) -> Problem:
    return Problem("warning", message, source=str(keymap_path()), code="keymap")
