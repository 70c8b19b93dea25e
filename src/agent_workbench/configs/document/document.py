"""A document and its verbs. Each returns an `Edit`, proved before it is returned; none changes the document.

How: the reader's own places locate, the text is spliced, the result is read again and compared with what was meant.
Where no splice gives exactly that, the edit is refused and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

from agent_workbench.configs.document.law import entry_key, lookup, merged, same, updated, without
from agent_workbench.configs.document.layout import Spot
from agent_workbench.configs.document.work import BY_HAND, Work
from agent_workbench.configs.document.writer import plain_data
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.nodes import Path
from agent_workbench.configs.reader import Reading, read, show_path
from agent_workbench.errors import EditRefused

#: The usual order of the sections of a bundle.
SECTIONS = ("bundle", "includes", "session", "providers", "tools", "hooks", "agents", "context", "spawn")

Section = str | Path


class Document:
    """The text of a config, with verbs that edit it.

    Every verb returns an `Edit` of this text (a no-op where nothing is to do), after which the data is exactly what
    the verb means and every byte outside of the edit is what it was: comments, quotes, blank lines, indentation, flow
    style, anchors, line ends, byte order mark, markdown body.

    Every verb raises `EditRefused` where that cannot be done, saying what, where and what to do by hand.
    """

    def __init__(self, text: str, *, source: str = "", markdown: bool | None = None) -> None:
        self.text = text
        self._source = source
        self._markdown = markdown

    @classmethod
    def of(cls, reading: Reading) -> Document:
        """Return the document of a text that was read already."""
        document = cls(reading.text, source=reading.source, markdown=reading.is_markdown)
        document.__dict__["reading"] = reading
        return document

    @cached_property
    def reading(self) -> Reading:
        """The text as the reader sees it."""
        return read(self.text, source=self._source, markdown=self._markdown)

    @property
    def data(self) -> dict[str, Any]:
        """The data of the text; empty where it has errors."""
        return self.reading.data

    def apply(self, edit: Edit) -> Document:
        """Return the document after an edit.

        Raises:
            ValueError: If the edit was made for another text.
        """
        return Document(edit.apply(self.text), source=self._source, markdown=self._markdown)

    # values

    def set_value(self, path: Path, value: Any) -> Edit:
        """Set the value at a path, making maps on the way where there are none.

        A map over a map and a list over a list change only the entries that differ, so that comments inside stay.
        """
        work = Work(self.reading)
        _set(work, path, plain_data(value))
        return work.edit(f"set {show_path(path)}")

    def add_section(self, name: str, value: Any) -> Edit:
        """Add a top-level section in its usual place; one that is there and empty is filled."""
        if self.data.get(name):
            raise EditRefused(f"there is a section `{name}` already: change its entries instead")
        work = Work(self.reading)
        _set(work, (name,), plain_data(value))
        return work.edit(f"add {name}")

    # entries

    def append_entry(self, section: Section, entry: Any) -> Edit:
        """Append an entry to a list, which is made where it is missing or empty."""
        path = _path(section)
        work = Work(self.reading)
        _append(work, path, plain_data(entry))
        return work.edit(f"add {_name(entry)} to {show_path(path)}")

    def merge_entry(self, section: Section, key: str, config: Mapping[str, Any]) -> Edit:
        """Merge a config into the entry with this id, else module; append an entry where there is none."""
        return self._merge(_path(section), {"module": key, "config": config}, key)

    def remove_entry(self, path: Path) -> Edit:
        """Remove an entry of a map or list, with the comment that belongs to it."""
        work = Work(self.reading)
        spot = _found(work, path)
        work.do(work.splicer.remove(spot), without(work.data, path))
        return work.edit(f"remove {show_path(path)}")

    def rename_key(self, path: Path, new: str) -> Edit:
        """Give the entry of a map another key; its value and place stay."""
        work = Work(self.reading)
        spot = _found(work, path)
        siblings = lookup(work.data, path[:-1])
        if spot.key is None or not isinstance(siblings, dict):
            raise EditRefused(f"`{show_path(path)}` is an entry of a list and has no key")
        if new == path[-1]:
            return work.edit("nothing to rename")
        if new in siblings:
            raise EditRefused(f"there is a key `{new}` already beside `{show_path(path)}`")
        renamed = {(new if key == path[-1] else key): value for key, value in siblings.items()}
        work.do(work.splicer.rename(spot, plain_data(new)), updated(work.data, path[:-1], lambda _: renamed))
        return work.edit(f"rename {show_path(path)} to {new}")

    def move_entry(self, path: Path, to_index: int) -> Edit:
        """Move an entry, with the comment that belongs to it, to another place among its siblings."""
        work = Work(self.reading)
        spot = _found(work, path)
        parent = spot.parent
        if parent is None or not 0 <= to_index < len(parent.parts):
            raise EditRefused(f"`{show_path(path)}` has no place {to_index} to move to")
        if to_index == spot.index:
            return work.edit("nothing to move")

        def move(container: Any) -> Any:
            if isinstance(container, dict):
                return container
            items = list(container)
            items.insert(to_index, items.pop(spot.index))
            return items

        work.do(work.splicer.move(parent, spot.index, to_index), updated(work.data, path[:-1], move))
        return work.edit(f"move {show_path(path)}")

    def comment_out(self, path: Path) -> Edit:
        """Turn the lines of an entry into comments. A list or map that has no other entry becomes an empty section."""
        work = Work(self.reading)
        meant = without(work.data, path) if _found(work, path) else {}
        work.do(work.splicer.comment_out(_found(work, path)), meant, alike=_alike_but_empty)
        return work.edit(f"comment out {show_path(path)}")

    def uncomment(self, line: int) -> Edit:
        """Turn the comment on a line (from 1), and the lines below that continue it, into an entry."""
        work = Work(self.reading)
        before = work.data
        work.do(work.splicer.uncomment(line), before, alike=_grew)
        return work.edit(f"uncomment line {line}")

    # what dialogs add

    def add_tool(
        self, module: str, source: str | None = None, config: Mapping[str, Any] | None = None, id: str | None = None
    ) -> Edit:
        """Add a tool; one that is there already gets the config merged into its own."""
        return self._merge(("tools",), _entry(module, source, config, id), id or module)

    def add_provider(
        self, module: str, source: str | None = None, config: Mapping[str, Any] | None = None, id: str | None = None
    ) -> Edit:
        """Add a provider; one that is there already gets the config merged into its own."""
        return self._merge(("providers",), _entry(module, source, config, id), id or module)

    def add_hook(
        self, module: str, source: str | None = None, config: Mapping[str, Any] | None = None, id: str | None = None
    ) -> Edit:
        """Add a hook; one that is there already gets the config merged into its own."""
        return self._merge(("hooks",), _entry(module, source, config, id), id or module)

    def add_include(self, uri: str) -> Edit:
        """Include another bundle, in the form that the other includes are written in; once."""
        work = Work(self.reading)
        known = work.data.get("includes")
        listed = known if isinstance(known, list) else []
        uris = [item.get("bundle") if isinstance(item, dict) else item for item in listed]
        if uri not in uris:
            bare = bool(listed) and all(isinstance(item, str) for item in listed)
            _append(work, ("includes",), plain_data(uri if bare else {"bundle": uri}))
        return work.edit(f"include {uri}")

    def add_agent(self, name: str, spec: Mapping[str, Any] | None = None) -> Edit:
        """Add an agent: inline with its spec, or by name (`name`, `ns:name`) from its own file."""
        work = Work(self.reading)
        agents = work.data.get("agents") or {}
        if spec is not None:
            _merge_map(work, ("agents", name), plain_data(spec))
        elif not isinstance(agents, dict) or name not in (agents.get("include") or ()):
            _append(work, ("agents", "include"), name)
        return work.edit(f"add agent {name}")

    def _merge(self, section: Path, entry: Mapping[str, Any], key: str) -> Edit:
        work = Work(self.reading)
        entries = _get(work.data, section)
        listed = entries if isinstance(entries, list) else []
        index = next((n for n, known in enumerate(listed) if entry_key(known) == key), None)
        plain = plain_data(entry)
        if index is None:
            _append(work, section, plain)
            return work.edit(f"add {key} to {show_path(section)}")
        if isinstance(listed[index], dict):
            if entry_key(listed[index]) != listed[index].get("module"):
                plain = {name: value for name, value in plain.items() if value != key or name != "module"}
            _merge_map(work, (*section, index), plain)
        elif len(plain) > 1:
            _set(work, (*section, index), plain)
        return work.edit(f"update {key} in {show_path(section)}")


def _path(section: Section) -> Path:
    return (section,) if isinstance(section, str) else section


def _name(entry: Any) -> str:
    return str(entry_key(entry) if isinstance(entry, Mapping) else entry)[:60]


def _entry(module: str, source: str | None, config: Mapping[str, Any] | None, id: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"module": module, "source": source, "id": id, "config": config}
    return {key: value for key, value in entry.items() if value}


def _get(data: Any, path: Path) -> Any:
    """Return the value at a path, None where there is none."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data):
            data = data[part]
        else:
            return None
    return data


def _found(work: Work, path: Path) -> Spot:
    spot = work.layout.find(path) if path else None
    if spot is None:
        shown = show_path(path)
        inherited = _get(work.data, path) is not None
        why = "comes from a merge key (`<<`)" if inherited and path else "is not in the document"
        raise EditRefused(f"`{shown}` {why}; {BY_HAND}")
    return spot


def _append(work: Work, path: Path, item: Any) -> None:
    known = _get(work.data, path)
    if not known:
        _set(work, path, [item])
    elif isinstance(known, list):
        _insert(work, path, len(known), item)
    else:
        raise EditRefused(f"`{show_path(path)}` is not a list, so nothing can be appended; {BY_HAND}")


def _insert(work: Work, path: Path, index: int, item: Any) -> None:
    spot = _found(work, path)
    _refuse_alias(spot, path)

    def insert(items: Any) -> Any:
        return [*items[:index], item, *items[index:]]

    work.do(work.splicer.add_item(spot.value, index, item), updated(work.data, path, insert))


def _refuse_alias(spot: Spot, path: Path) -> None:
    if spot.value.kind == "alias":
        shown, word = show_path(path), spot.value.word
        raise EditRefused(f"`{shown}` is the alias `*{word}`, shared with other places; write it out or edit `&{word}`")


def _merge_map(work: Work, path: Path, value: dict[str, Any]) -> None:
    known = _get(work.data, path)
    _set(work, path, merged(known, value) if isinstance(known, dict) else value)


def _set(work: Work, path: Path, value: Any) -> None:
    """Set a value with as little as possible rewritten."""
    if not path:
        _set_root(work, value)
        return
    parent = _get(work.data, path[:-1])
    part = path[-1]
    if isinstance(parent, list) and isinstance(part, int) and 0 <= part < len(parent):
        _change(work, path, value)
    elif isinstance(parent, list) and part == len(parent):
        _append(work, path[:-1], value)
    elif isinstance(parent, dict) and isinstance(part, str) and part in parent:
        _change(work, path, value)
    elif isinstance(part, str) and (parent or len(path) == 1) and isinstance(parent, dict):
        _add_pairs(work, path[:-1], {part: value})
    elif not parent and (isinstance(part, str) or part == 0):
        _set(work, path[:-1], {part: value} if isinstance(part, str) else [value])
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
            _found(work, path)
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
    work.do(work.splicer.remove(_found(work, path)), without(work.data, path))


def _add_pairs(work: Work, path: Path, pairs: dict[str, Any]) -> None:
    if not path:
        for name, value in pairs.items():
            _add_section(work, name, value)
        return
    spot = _found(work, path)
    _refuse_alias(spot, path)
    meant = updated(work.data, path, lambda known: {**known, **pairs})
    if spot.value.parts:
        work.do(work.splicer.add_pairs(spot.value, pairs), meant)
    else:
        work.do(work.splicer.replace(spot, pairs), meant)


def _add_section(work: Work, name: str, value: Any) -> None:
    root = work.reading.root
    meant = {**work.data, name: value}
    lines = work.splicer.writer.map_lines({name: value}, 0)
    if root is None or root.value is None:
        work.do(work.splicer.first_section(lines), meant)
    elif root.flow:
        work.do(work.splicer.add_pairs(root, {name: value}), meant)
    else:
        names = [key.value if key is not None else None for key, _ in root.parts]
        work.do(work.splicer.section_after(root, _place_of(name, names), lines), meant)


def _place_of(name: str, names: list[Any]) -> int:
    """Return the index of the section behind which one of this name is usually written; -1 for before all."""
    if name not in SECTIONS:
        return len(names) - 1
    earlier = SECTIONS[: SECTIONS.index(name)]
    later = SECTIONS[SECTIONS.index(name) + 1 :]
    behind = max((index for index, known in enumerate(names) if known in earlier), default=-1)
    unknown_first = behind < 0 and not any(known in later for known in names)
    return len(names) - 1 if unknown_first else behind


def _alike_but_empty(one: Any, other: Any) -> bool:
    """Compare data, taking an empty list, an empty map and nothing for the same."""
    if not one and not other and isinstance(one, dict | list | None) and isinstance(other, dict | list | None):
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike_but_empty(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike_but_empty, one, other))
    return same(one, other)


def _grew(after: Any, before: Any) -> bool:
    """Tell whether data only gained: exactly one entry, somewhere."""
    return _gained(after, before) == 1


def _gained(after: Any, before: Any) -> int:
    """Return how many entries came in; a large number where anything else changed."""
    if isinstance(after, dict) and (isinstance(before, dict) or before is None):
        known = before or {}
        if any(key not in after for key in known):
            return 99
        return len(after) - len(known) + sum(_gained(after[key], known[key]) for key in known)
    if isinstance(after, list) and (isinstance(before, list) or before is None):
        return _gained_in_list(after, before or [])
    return 0 if same(after, before) else 99


def _gained_in_list(after: list[Any], before: list[Any]) -> int:
    if len(after) == len(before):
        return sum(map(_gained, after, before))
    if len(after) != len(before) + 1:
        return 99
    for index in range(len(after)):
        if all(map(same, after[:index] + after[index + 1 :], before)):
            return 1
    return 99
