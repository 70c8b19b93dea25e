"""Changes of data as changes of text: which plan serves what should become of a value."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from agent_workbench.configs.document.law import lookup, merged, same, updated, without
from agent_workbench.configs.document.layout import Spot
from agent_workbench.configs.document.sections import first_section, section_after
from agent_workbench.configs.document.work import BY_HAND, Work
from agent_workbench.configs.nodes import Path
from agent_workbench.configs.reader import show_path
from agent_workbench.errors import EditRefused

#: The usual order of the sections of a bundle.
SECTIONS = ("bundle", "includes", "session", "providers", "tools", "hooks", "agents", "context", "spawn")


def value_at(data: Any, path: Path) -> Any:
    """Return the value at a path, None where there is none."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data):
            data = data[part]
        else:
            return None
    return data


def entry(work: Work, path: Path) -> Spot:
    """Return where an entry stands.

    Raises:
        EditRefused: If it is not there, or stands elsewhere (alias, merge key).
    """
    spot = work.layout.find(path) if path else None
    if spot is None:
        shown = show_path(path)
        inherited = value_at(work.data, path) is not None
        why = "comes from a merge key (`<<`)" if inherited and path else "is not in the document"
        raise EditRefused(f"`{shown}` {why}; {BY_HAND}")
    return spot


def append(work: Work, path: Path, item: Any) -> None:
    """Append an item to a list, which is made where it is missing or empty."""
    known = value_at(work.data, path)
    if not known:
        set_value(work, path, [item])
    elif isinstance(known, list):
        _insert(work, path, len(known), item)
    else:
        raise EditRefused(f"`{show_path(path)}` is not a list, so nothing can be appended; {BY_HAND}")


def _insert(work: Work, path: Path, index: int, item: Any) -> None:
    spot = entry(work, path)
    _refuse_alias(spot, path)

    def insert(items: Any) -> Any:
        return [*items[:index], item, *items[index:]]

    work.do(work.splicer.add_item(spot.value, index, item), updated(work.data, path, insert))


def _refuse_alias(spot: Spot, path: Path) -> None:
    if spot.value.kind == "alias":
        shown, word = show_path(path), spot.value.word
        raise EditRefused(f"`{shown}` is the alias `*{word}`, shared with other places; write it out or edit `&{word}`")


def merge_map(work: Work, path: Path, value: dict[str, Any]) -> None:
    """Merge a map into the one at a path, by the rules of bundles."""
    known = value_at(work.data, path)
    set_value(work, path, merged(known, value) if isinstance(known, dict) else value)


def set_value(work: Work, path: Path, value: Any) -> None:
    """Set a value with as little as possible rewritten."""
    if not path:
        _set_root(work, value)
        return
    parent = value_at(work.data, path[:-1])
    part = path[-1]
    if isinstance(parent, list) and isinstance(part, int) and 0 <= part < len(parent):
        _change(work, path, value)
    elif isinstance(parent, list) and part == len(parent):
        append(work, path[:-1], value)
    elif isinstance(parent, dict) and isinstance(part, str) and part in parent:
        _change(work, path, value)
    elif isinstance(part, str) and (parent or len(path) == 1) and isinstance(parent, dict):
        _add_pairs(work, path[:-1], {part: value})
    elif not parent and (isinstance(part, str) or part == 0):
        set_value(work, path[:-1], {part: value} if isinstance(part, str) else [value])
    else:
        raise EditRefused(f"`{show_path(path[:-1])}` cannot hold `{part}`; {BY_HAND}")


def _set_root(work: Work, value: Any) -> None:
    if not isinstance(value, dict):
        raise EditRefused("the top level of a config is a map")
    _set_map(work, (), work.data, value)


def _change(work: Work, path: Path, value: Any) -> None:
    old = lookup(work.data, path)
    if same(old, value):
        return
    spot = work.layout.find(path)
    if spot is None:  # inherited through a merge key: an own entry overrides it
        if not isinstance(path[-1], str):
            entry(work, path)
        _add_pairs(work, path[:-1], {str(path[-1]): value})
    elif isinstance(old, dict) and isinstance(value, dict) and old and value and spot.value.kind == "map":
        work.together(lambda: _set_map(work, path, old, value), updated(work.data, path, lambda _: value))
    elif isinstance(old, list) and isinstance(value, list) and old and value and spot.value.kind == "list":
        work.together(lambda: _set_list(work, path, old, value), updated(work.data, path, lambda _: value))
    else:
        work.do(work.splicer.replace(spot, value), updated(work.data, path, lambda _: value))


def _set_map(work: Work, path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    for key, value in new.items():
        if key in old:
            _change(work, (*path, key), value)
    added = {key: value for key, value in new.items() if key not in old}
    if added:
        _add_pairs(work, path, added)
    for key in old:
        if key not in new:
            _remove(work, (*path, key))


def _set_list(work: Work, path: Path, old: list[Any], new: list[Any]) -> None:
    matcher = SequenceMatcher(None, [repr(item) for item in old], [repr(item) for item in new], autojunk=False)
    for what, low, high, new_low, new_high in reversed(matcher.get_opcodes()):
        if what == "equal":
            continue
        paired = min(high - low, new_high - new_low)
        for index in range(high - 1, low + paired - 1, -1):
            _remove(work, (*path, index))
        for offset in range(paired, new_high - new_low):
            at = low + (paired if work.is_gathering else offset)
            _insert(work, path, at, new[new_low + offset])
        for offset in range(paired):
            _change(work, (*path, low + offset), new[new_low + offset])


def _remove(work: Work, path: Path) -> None:
    work.do(work.splicer.remove(entry(work, path)), without(work.data, path))


def _add_pairs(work: Work, path: Path, pairs: dict[str, Any]) -> None:
    if not path:
        for name, value in pairs.items():
            _add_section(work, name, value)
        return
    spot = entry(work, path)
    _refuse_alias(spot, path)
    meant = updated(work.data, path, lambda known: {**known, **pairs})
    work.do(work.splicer.add_pairs(spot.value, pairs), meant)


def _add_section(work: Work, name: str, value: Any) -> None:
    root = work.reading.root
    meant = {**work.data, name: value}
    lines = work.splicer.writer.map_lines({name: value}, 0)
    if root is None or root.value is None:
        work.do(first_section(work.splicer, lines), meant)
    elif root.flow:
        work.do(work.splicer.add_pairs(root, {name: value}), meant)
    else:
        names = [key.value if key is not None else None for key, _ in root.parts]
        work.do(section_after(work.splicer, root, _place_of(name, names), lines), meant)


def _place_of(name: str, names: list[Any]) -> int:
    """Return the index of the section behind which one of this name is usually written; -1 for before all."""
    if name not in SECTIONS:
        return len(names) - 1
    earlier = SECTIONS[: SECTIONS.index(name)]
    later = SECTIONS[SECTIONS.index(name) + 1 :]
    behind = max((index for index, known in enumerate(names) if known in earlier), default=-1)
    unknown_first = behind < 0 and not any(known in later for known in names)
    return len(names) - 1 if unknown_first else behind
