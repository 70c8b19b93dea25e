"""Which entry of a bundle stands at a line: a provider, a tool, a hook, an include or an agent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agent_workbench.configs.document import Document
from agent_workbench.configs.document.law import entry_key
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.modules import SECTION, ModuleKind
from agent_workbench.configs.reader import Path, Reading, read
from agent_workbench.configs.words import nearest
from agent_workbench.errors import EditRefused, NotFound, UsageError

_SECTIONS = ("providers", "tools", "hooks", "includes")
_STEP = re.compile(r"\[(?P<entry>[^\[\]]+)\]|\.?(?P<key>[^.\[\]]+)")
#: Keys of `agents` that are no agents.
_NO_AGENTS = ("include", "dirs")


def entry_at(reading: Reading, line: int) -> Path | None:
    """Return the path of the entry that a line (from 1) belongs to, None where it belongs to none.

    An entry is an item of a section that is a list, or one of the `agents`.
    """
    for path in _entries(reading):
        place, key = reading.values.get(path), reading.keys.get(path)
        if place is None:
            continue
        first = min(place.line, key.line) if key else place.line
        last = place.end_line - (place.end_column == 1 and place.end_line > place.line)
        if first <= line <= last:
            return path
    return None


def _entries(reading: Reading) -> Iterator[Path]:
    for section in _SECTIONS:
        items = reading.data.get(section)
        if isinstance(items, list):
            yield from ((section, index) for index in range(len(items)))
    agents = reading.data.get("agents")
    if isinstance(agents, dict):
        yield from (("agents", name) for name in agents if name not in _NO_AGENTS)


def module_at(reading: Reading, line: int) -> tuple[ModuleKind, str, int] | None:
    """Return the kind, the module and the index of the entry at a line, None where it is no module."""
    path = entry_at(reading, line)
    if path is None or path[0] not in reading.data or path[0] in ("includes", "agents"):
        return None
    entry = reading.data[str(path[0])][path[1]]
    kind = next(kind for kind, section in SECTION.items() if section == path[0])
    module = entry.get("module") if isinstance(entry, dict) else None
    return (kind, module, int(path[1])) if isinstance(module, str) else None


def toggled(text: str, line: int) -> Edit:
    """Return the edit that comments the entry at a line (from 1) out, or one that is commented out in again.

    Raises:
        InvalidYAML: If the text has an error.
        EditRefused: If neither an entry nor the comment of one is there.
    """
    document = Document(text)
    path = entry_at(document.reading, line)
    if path is not None:
        return document.comment_out(path)
    lines = text.splitlines()
    if 0 < line <= len(lines) and lines[line - 1].lstrip().startswith("#"):
        edit = document.uncomment(line)
        if entry_at(read(edit.apply(text)), line) is not None:
            return edit  # words that explain something are comments too, and stay
    raise EditRefused("put the cursor on a tool, provider, hook, include or agent, or on one that is commented out")


def removed(text: str, line: int) -> Edit:
    """Return the edit that takes the entry at a line (from 1) away, with the comment that belongs to it.

    Raises:
        InvalidYAML: If the text has an error.
        EditRefused: If no entry is there.
    """
    document = Document(text)
    path = entry_at(document.reading, line)
    if path is None:
        raise EditRefused("put the cursor on a tool, provider, hook, include or agent")
    return document.remove_entry(path)


def commented(text: str, name: str) -> int:
    """Return the line (from 1) of the comment that holds an entry: of that number, or the first that names it so.

    Raises:
        NotFound: If no comment does.
    """
    lines = text.splitlines()
    if name.isdecimal() and 0 < int(name) <= len(lines):
        return int(name)
    entry = re.compile(
        rf"\s*#\s*(?:-\s*(?:(?:module|bundle|id)\s*:\s*)?)?[\"']?{re.escape(name)}[\"']?\s*:?\s*(?:#.*)?"
    )
    for number, line in enumerate(lines, 1):
        if entry.fullmatch(line):
            return number
    raise NotFound(f"no comment holds the entry {name!r}; say its line")


def path_of(data: Mapping[str, Any], text: str) -> Path:
    """Return the path that a person writes for a value: `tools[tool-bash].config.timeout`, `includes[0]`.

    An entry of a list is named by its id, its module, its text, or its place from 0. Keys that are not there yet may
    stand at the end.

    Raises:
        UsageError: If it is no path.
        NotFound: If a list has no such entry; the message says which it has.
    """
    path: list[str | int] = []
    value: Any = data
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise UsageError(f"{text!r} is no path: write one as tools[tool-bash].config.timeout")
        position = step.end()
        part = _step(value, (step["entry"] or step["key"]).strip(), text[: step.start()])
        path.append(part)
        inside = isinstance(value, list) or (isinstance(value, Mapping) and part in value)
        value = value[part] if inside else None
    if not path:
        raise UsageError("an empty path names nothing: write one as tools[tool-bash].config.timeout")
    return tuple(path)


def _step(value: Any, name: str, before: str) -> str | int:
    if not isinstance(value, list):
        return name
    names = [str(entry_key(one) or one.get("bundle")) if isinstance(one, Mapping) else str(one) for one in value]
    if name in names:
        return names.index(name)
    if name.isdecimal() and int(name) < len(value):
        return int(name)
    like = nearest(name, names)
    known = f"did you mean {like}?" if like else f"it has {', '.join(names[:8]) or 'none'}"
    raise NotFound(f"`{before}` has no entry {name!r}; {known}")
