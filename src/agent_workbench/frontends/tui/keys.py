"""Keys: bindings with an id each, and the person's own keymap file over them.

Never bound, because terminals send the same byte for another key: ctrl+m (enter), ctrl+i (tab), ctrl+h (backspace)
and ctrl+[ (escape).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from textual.binding import Binding
from textual.keys import Keys

from agent_workbench.configs.problems import Problem
from agent_workbench.paths import config_dir

SAME_BYTE = {
    "ctrl+m": "enter",
    "ctrl+i": "tab",
    "ctrl+h": "backspace",
    "ctrl+[": "escape",
    "ctrl+left_square_bracket": "escape",
}
_NAMED = {key.value for key in Keys}
_MODIFIERS = {"ctrl", "alt", "shift", "super", "hyper", "meta"}


def bind(id: str, key: str, action: str, label: str, tip: str, *, show: bool = True, priority: bool = False) -> Binding:
    """Make a binding: `id` is what a keymap file names, `label` stands in the footer, `tip` in the help."""
    return Binding(key, action, label, id=id, tooltip=tip, show=show, priority=priority)


def keymap_path() -> Path:
    """Return where the person's keymap file is looked for: `keymap.yaml`, a map of binding ids to keys."""
    return config_dir() / "keymap.yaml"


def read_keymap(text: str, known: Mapping[str, str]) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Return the keys of a keymap file by binding id, and what in it cannot be used.

    `known` maps every id to its default keys. Refused by name: unknown ids, keys that are none, and two ids of one
    group (the part before the dot) on one key.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return {}, (_bad(f"the keymap is not valid YAML: {error}"),)
    if data is None:
        return {}, ()
    if not isinstance(data, dict):
        return {}, (_bad("the keymap must map binding ids to keys, as in `editor.save: ctrl+s`"),)
    wanted: dict[str, str] = {}
    problems: list[Problem] = []
    for id, keys in data.items():
        complaint = _complaint(str(id), keys, known)
        if complaint:
            problems.append(_bad(complaint))
        else:
            wanted[str(id)] = str(keys)
    clashes = _clashes({**known, **wanted}, wanted)
    for id, message in clashes.items():
        wanted.pop(id, None)
        problems.append(_bad(message))
    return wanted, tuple(problems)


def load_keymap(known: Mapping[str, str]) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Return the person's own keys (see `read_keymap`); nothing where there is no file."""
    try:
        return read_keymap(keymap_path().read_text("utf-8"), known)
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


def _clashes(keys: Mapping[str, str], changed: Iterable[str]) -> dict[str, str]:
    """Return, for each changed id that takes a key of its own group from another id, a line that names both."""
    found: dict[str, str] = {}
    for id in changed:
        mine = {one.strip() for one in keys[id].split(",")}
        for other, theirs in keys.items():
            if other == id or other.partition(".")[0] != id.partition(".")[0]:
                continue
            both = mine & {one.strip() for one in theirs.split(",")}
            if both:
                found[id] = f"{id} and {other} would both be {', '.join(sorted(both))}"
    return found


def _bad(message: str) -> Problem:
    return Problem("warning", message, source=str(keymap_path()), code="keymap")
