"""Which entry of a bundle stands at a line: a provider, a tool, a hook, an include or an agent."""

from __future__ import annotations

from collections.abc import Iterator

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.modules import SECTION, ModuleKind
from agent_workbench.configs.reader import Path, Reading, read
from agent_workbench.errors import EditRefused

_SECTIONS = ("providers", "tools", "hooks", "includes")
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


def module_at(reading: Reading, line: int) -> tuple[ModuleKind, str] | None:
    """Return the kind and the module of the entry at a line, None where it is no module."""
    path = entry_at(reading, line)
    if path is None or path[0] not in reading.data or path[0] in ("includes", "agents"):
        return None
    entry = reading.data[str(path[0])][path[1]]
    kind = next(kind for kind, section in SECTION.items() if section == path[0])
    module = entry.get("module") if isinstance(entry, dict) else None
    return (kind, module) if isinstance(module, str) else None


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
