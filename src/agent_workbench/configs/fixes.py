"""Quick fixes: the edits that problems offer. Each returns None where the text is not one that it can mend for sure."""

from __future__ import annotations

from collections.abc import Callable, Container

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit, between
from agent_workbench.configs.reader import Path, Reading
from agent_workbench.configs.words import quoted
from agent_workbench.errors import EditRefused


def value_fix(reading: Reading, path: Path, new: str, summary: str) -> Edit | None:
    """Write another word in place of a one-line value."""
    place = reading.values.get(path)
    if place is None or place.line != place.end_line or place.start == place.end:
        return None
    old = reading.text[place.start : place.end]
    return Edit(place.start, old, quoted(new, like=old), summary)


def word_fix(reading: Reading, path: Path, new: str) -> Edit | None:
    """Write the word that was meant in place of a one-line value; None where none is known."""
    return value_fix(reading, path, new, f"write {new}") if new else None


def key_fix(reading: Reading, path: Path, new: str, siblings: Container[str]) -> Edit | None:
    """Write the key that was meant, where it is not there already."""
    place = reading.keys.get(path)
    if place is None or not new or new in siblings:
        return None
    old = reading.text[place.start : place.end]
    return Edit(place.start, old, quoted(new, like=old), f"rename to {new}")


def list_fix(reading: Reading, path: Path, key: str = "") -> Edit | None:
    """Make a list of a one-line text, each entry a map with `key` where one is given."""
    fix = value_fix(reading, path, "", "make it a list")
    if fix is None:
        return None
    word = quoted(str(fix.old).strip("'\""), like="")
    return Edit(fix.start, fix.old, f"[{{{key}: {word}}}]" if key else f"[{word}]", fix.summary)


def entry_fix(reading: Reading, path: Path) -> Edit | None:
    """Make an entry with a module of a one-line text."""
    fix = value_fix(reading, path, "", "make it an entry")
    return fix and Edit(fix.start, fix.old, f"module: {fix.old}", fix.summary)


def text_fix(reading: Reading, path: Path) -> Edit | None:
    """Put quotes around a one-line value that is read as something else than text."""
    fix = value_fix(reading, path, "", "put it in quotes")
    plain = fix is not None and fix.old[:1] not in "[{&*!|>'\""
    return Edit(fix.start, fix.old, f'"{fix.old}"', fix.summary) if fix is not None and plain else None


def line_fix(reading: Reading, path: Path) -> Edit | None:
    """Take the entry of a list away that has a line for itself."""
    place = reading.values.get(path)
    if place is None or place.line != place.end_line:
        return None
    start = max(reading.text.rfind("\n", 0, place.start) + 1, reading.start)
    end = reading.text.find("\n", place.end, reading.end) + 1
    before, behind = reading.text[start : place.start], reading.text[place.end : end]
    if not end or before.strip() != "-" or behind.strip():
        return None
    return Edit(start, reading.text[start:end], "", "remove it")


def module_fix(reading: Reading, path: Path) -> Edit | None:
    """Make `{module: name}` of a name, so that what an include set beside it stays."""
    fix = value_fix(reading, path, "", "keep what the include set")
    return fix and Edit(fix.start, fix.old, f"{{module: {fix.old}}}", fix.summary)


def id_fix(reading: Reading, path: Path) -> Edit | None:
    """Give an entry whose module has a line for itself an id of its own, below it."""
    key, value = reading.keys.get((*path, "module")), reading.values.get((*path, "module"))
    entries = reading.data.get(str(path[0]))
    if (
        key is None
        or value is None
        or not isinstance(entries, list)
        or reading.text[value.end : value.end + 1] not in "\r\n"
    ):
        return None
    module = reading.text[value.start : value.end].strip("'\"")
    taken = {one.get("id") for one in entries if isinstance(one, dict)}
    name = next(name for n in range(2, len(entries) + 3) if (name := f"{module}-{n}") not in taken)
    newline = "\r\n" if "\r\n" in reading.text else "\n"
    return Edit(value.end, "", f"{newline}{' ' * (key.column - 1)}id: {quoted(name, like='')}", f"call it {name}")


def item_fix(reading: Reading, path: Path) -> Edit | None:
    """Make a list with one entry of a map whose keys have lines for themselves: a dash before the first of them."""
    value = reading.values.get(path)
    key = reading.keys.get(path)
    found = reading.root.child(str(path[0])) if reading.root is not None and len(path) == 1 else None
    if value is None or key is None or found is None or found[1].kind != "map" or len(found[1].parts) != 1:
        return None
    if found[1].flow:
        old = reading.text[value.start : value.end]
        return Edit(value.start, old, f"[{old}]", "make it a list")
    return Edit(value.start, "", "- ", "make it a list") if value.line > key.line else None


def spawn_fix(reading: Reading) -> Edit | None:
    """Keep one of the two lists of `spawn`, with what both together let through: `tools`, less what is excluded."""
    spawn = reading.data["spawn"]
    tools, without = spawn["tools"], spawn["exclude_tools"]
    if not isinstance(tools, list) or not isinstance(without, list):
        return None
    left = [one for one in tools if one not in without]
    if not left:  # an empty list says nothing, so it would let all through
        return None
    return edited(
        reading,
        lambda document: document.set_value(("spawn", "tools"), left),
        lambda document: document.remove_entry(("spawn", "exclude_tools")),
        summary="keep tools, less those excluded",
    )


def section_fix(reading: Reading, path: Path, section: str) -> Edit | None:
    """Move an entry of a list to the section that its module belongs to. One with a comment inside stays."""
    place = reading.values.get(path)
    if place is None or section == path[0] or "#" in reading.text[place.start : place.end]:
        return None
    slot = section.partition(".")[2]
    entries, session = reading.data.get(str(path[0])), reading.data.get("session") or {}
    if not isinstance(entries, list) or len(path) != 2 or not isinstance(session, dict) or (slot and session.get(slot)):
        return None
    entry = entries[int(path[1])]
    return edited(
        reading,
        lambda document: document.remove_entry(path),
        lambda document: (
            document.set_value(("session", slot), entry) if slot else document.append_entry(section, entry)
        ),
        summary=f"move it to {section}",
    )


def edited(reading: Reading, *changes: Callable[[Document], Edit], summary: str) -> Edit | None:
    """Make changes of the document one after the other, as one edit."""
    document = Document.of(reading)
    try:
        for change in changes:
            document = document.apply(change(document))
    except EditRefused:
        return None
    return between(reading.text, document.text, summary)
