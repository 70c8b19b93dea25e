"""A document and its verbs. Each returns an `Edit`, proved before it is returned; none changes the document.

How: the reader's own places locate, the text is spliced, the result is read again and compared with what was meant.
Where no splice gives exactly that, the edit is refused and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from agent_workbench.configs.document.changes import append, entry, merge_map, set_value, value_at
from agent_workbench.configs.document.comments import comment_out, takes_comments, uncomment
from agent_workbench.configs.document.law import alike_but_empty, entry_key, grew, lookup, same, updated, without
from agent_workbench.configs.document.work import Work
from agent_workbench.configs.document.writer import plain_data
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.nodes import Path
from agent_workbench.configs.reader import Reading, read, show_path
from agent_workbench.errors import EditRefused

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
        set_value(work, path, plain_data(value))
        return work.edit(f"set {show_path(path)}")

    def add_section(self, name: str, value: Any) -> Edit:
        """Add a top-level section in its usual place; one that is there and empty is filled."""
        if self.data.get(name):
            raise EditRefused(f"there is a section `{name}` already: change its entries instead")
        work = Work(self.reading)
        set_value(work, (name,), plain_data(value))
        return work.edit(f"add {name}")

    # entries

    def append_entry(self, section: Section, entry: Any) -> Edit:
        """Append an entry to a list, which is made where it is missing or empty."""
        path = _path(section)
        work = Work(self.reading)
        append(work, path, plain_data(entry))
        return work.edit(f"add {_name(entry)} to {show_path(path)}")

    def merge_entry(self, section: Section, key: str, config: Mapping[str, Any]) -> Edit:
        """Merge a config into the entry with this id, else module; append an entry where there is none."""
        return self._merge(_path(section), {"module": key, "config": config}, key)

    def remove_entry(self, path: Path) -> Edit:
        """Remove an entry of a map or list, with the comment that belongs to it."""
        work = Work(self.reading)
        spot = entry(work, path)
        work.do(work.splicer.remove(spot), without(work.data, path))
        return work.edit(f"remove {show_path(path)}")

    def rename_key(self, path: Path, new: str) -> Edit:
        """Give the entry of a map another key; its value and place stay."""
        work = Work(self.reading)
        spot = entry(work, path)
        if spot.key is None:
            raise EditRefused(f"`{show_path(path)}` is an entry of a list and has no key")
        siblings = lookup(work.data, path[:-1])
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
        spot = entry(work, path)
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
        meant = without(work.data, path) if entry(work, path) else {}
        work.do(comment_out(work.splicer, entry(work, path)), meant, alike=alike_but_empty)
        edit = work.edit(f"comment out {show_path(path)}")
        self._prove_return(edit, work.reading)
        return edit

    def _prove_return(self, edit: Edit, hidden: Reading) -> None:
        """Refuse to hide what would come back as something else: in odd layouts a value looks like words about one."""
        line = hidden.lines.line_column(edit.start)[0]
        try:
            back = Document.of(hidden).uncomment(line).apply(hidden.text)
        except EditRefused:
            return  # nothing comes back by itself then, so nothing wrong does
        found = read(back, source=self._source, markdown=self._markdown)
        if not same(found.data, self.data):
            raise EditRefused(f"line {line}: commented in again it would not be what it is now; comment it out by hand")

    def uncomment(self, line: int) -> Edit:
        """Turn the comment on a line (from 1), and the lines below that continue it, into an entry."""
        refused: EditRefused | None = None
        for plan in uncomment(Work(self.reading).splicer, line):
            work = Work(self.reading)
            try:
                work.do([plan], work.data, alike=grew)
            except EditRefused as error:
                refused = refused or error
                continue
            (splice,) = plan
            if not takes_comments(work.reading, splice.start, splice.start + len(splice.new)):
                return work.edit(f"uncomment line {line}")
        raise refused or EditRefused(f"line {line} begins a value that does not end in these comments")

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
            append(work, ("includes",), plain_data(uri if bare else {"bundle": uri}))
        return work.edit(f"include {uri}")

    def add_agent(self, name: str, spec: Mapping[str, Any] | None = None) -> Edit:
        """Add an agent: inline with its spec, or by name (`name`, `ns:name`) from its own file."""
        work = Work(self.reading)
        agents = work.data.get("agents") or {}
        if spec is not None:
            merge_map(work, ("agents", name), plain_data(spec))
        elif not isinstance(agents, dict) or name not in (agents.get("include") or ()):
            append(work, ("agents", "include"), name)
        return work.edit(f"add agent {name}")

    def _merge(self, section: Path, entry: Mapping[str, Any], key: str) -> Edit:
        work = Work(self.reading)
        entries = value_at(work.data, section)
        listed = entries if isinstance(entries, list) else []
        index = next((n for n, known in enumerate(listed) if entry_key(known) == key), None)
        plain = plain_data(entry)
        if index is None:
            append(work, section, plain)
            return work.edit(f"add {key} to {show_path(section)}")
        if isinstance(listed[index], dict):
            if entry_key(listed[index]) != listed[index].get("module"):
                plain = {name: value for name, value in plain.items() if value != key or name != "module"}
            merge_map(work, (*section, index), plain)
        elif len(plain) > 1:
            set_value(work, (*section, index), plain)
        return work.edit(f"update {key} in {show_path(section)}")


def _path(section: Section) -> Path:
    return (section,) if isinstance(section, str) else section


def _name(entry: Any) -> str:
    return str(entry_key(entry) if isinstance(entry, Mapping) else entry)[:60]


def _entry(module: str, source: str | None, config: Mapping[str, Any] | None, id: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"module": module, "source": source, "id": id, "config": config}
    return {key: value for key, value in entry.items() if value}
