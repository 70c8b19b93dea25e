"""One bundle as it is written: its sections with their places, and what is wrong with their shape.

Nothing is looked up here. What the original would drop silently is a problem with a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agent_workbench.configs.compose import MODULE_SECTIONS, Entry, Layer, Node, Part
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.fetching import Location
from agent_workbench.configs.fixes import (
    edited,
    entry_fix,
    item_fix,
    key_fix,
    line_fix,
    list_fix,
    spawn_fix,
    text_fix,
    value_fix,
)  # fmt: skip
from agent_workbench.configs.plan import Origin, digest_of
from agent_workbench.configs.problems import Problem, Severity
from agent_workbench.configs.reader import Path, Reading, read, show_path
from agent_workbench.configs.traced import traced
from agent_workbench.configs.words import nearest

TOP_KEYS = ("bundle", "includes", "session", "providers", "tools", "hooks", "agents", "context", "spawn")
META_KEYS = ("name", "version", "description")
ENTRY_KEYS = ("module", "source", "config", "id")
SLOTS = ("orchestrator", "context")
SESSION_KEYS = (*SLOTS, "permissions")
SPAWN_KEYS = ("tools", "exclude_tools")


@dataclass(frozen=True, slots=True)
class Include:
    """One include as written."""

    uri: str
    path: Path


@dataclass(frozen=True)
class Bundle:
    """A text read as a bundle. `layer` has the own content, agents and context files not looked up."""

    reading: Reading
    at: Location
    layer: Layer
    includes: tuple[Include, ...]
    problems: tuple[Problem, ...]


def parse_bundle(text: str, at: Location, own: bool = False) -> Bundle:
    """Read a text as a bundle. Pure, so an include that did not change is not read again.

    The problems of one's `own` text carry no source; whether it is markdown is decided by the label, else by the text.
    """
    return _parse_own(text, at) if own else _parse_included(text, at)


@lru_cache(maxsize=2)
def _parse_own(text: str, at: Location) -> Bundle:
    # Each keystroke is a text of its own, and 1,000 lines are 5 MB of nodes.
    return _parse(text, at, "")


@lru_cache(maxsize=128)
def _parse_included(text: str, at: Location) -> Bundle:
    return _parse(text, at, at.label)


def _parse(text: str, at: Location, source: str) -> Bundle:
    suffix = at.label[-5:].lower()
    markdown = True if suffix.endswith(".md") else False if suffix.endswith((".yaml", ".yml")) else None
    return _Parser(read(text, source=source, markdown=markdown), at, source).run()


def problem_at(
    reading: Reading,
    source: str,
    path: Path,
    severity: Severity,
    message: str,
    *,
    code: str,
    hint: str = "",
    fix: Edit | None = None,
    at_key: bool = False,
) -> Problem:
    """Make a problem at a path of a text: at its value, or at its key."""
    place = reading.keys.get(path) if at_key else reading.place(path)
    line, column = (place.line, place.column) if place else (0, 0)
    return Problem(severity, message, line, column, show_path(path), hint, code, source, fix)


class _Parser:
    def __init__(self, reading: Reading, at: Location, source: str) -> None:
        self.reading, self.at, self.source = reading, at, source
        self.data = reading.data
        self.problems: list[Problem] = list(reading.problems)
        self.tree = traced(reading, at)

    def run(self) -> Bundle:
        self._top_keys()
        name, version, description = self._meta()
        includes = tuple(self._includes())
        body = self.reading.body.strip()
        layer = Layer(
            name=name,
            version=version,
            description=description,
            session=self._session(),
            spawn=self._spawn(),
            modules={section: tuple(self._entries(section)) for section in MODULE_SECTIONS},
            agents={part.name: part for part in self._agents()},
            context={part.name: part for part in self._context(name)},
            instruction=body,
            instruction_part=Part("instruction", self._body_origin(), reference=body) if body else None,
        )
        return Bundle(self.reading, self.at, layer, includes, tuple(self.problems))

    # helpers

    def _say(
        self,
        severity: Severity,
        path: Path,
        message: str,
        code: str,
        hint: str = "",
        fix: Edit | None = None,
        *,
        at_key: bool = False,
    ) -> None:
        found = problem_at(
            self.reading, self.source, path, severity, message, code=code, hint=hint, fix=fix, at_key=at_key
        )
        self.problems.append(found)

    def _section(self, key: str, kind: type, shape: str) -> Any:
        """Return a section of the right kind, or None; an empty one is absent."""
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, kind):
            self._say(
                "error",
                (key,),
                f"`{key}` is {_kind(value)}, not {_kind(kind())}",
                "section-kind",
                shape,
                self._section_fix(key, kind),
            )
            return None
        return value

    def _section_fix(self, key: str, kind: type) -> Edit | None:
        named = "module" if key in MODULE_SECTIONS else ""
        return list_fix(self.reading, (key,), named) if kind is list and isinstance(self.data[key], str) else None

    def _node(self, *path: str | int) -> Node:
        node = self.tree
        for part in path:
            node = node.value[part]
        return node

    def _origin(self, path: Path) -> Origin:
        return self._node(*path).origins[-1]

    def _body_origin(self) -> Origin:
        lines = self.reading.text[: len(self.reading.text) - len(self.reading.body)].count("\n")
        blank = len(self.reading.body) - len(self.reading.body.lstrip())
        line = lines + self.reading.body[:blank].count("\n") + 1
        return Origin(self.at.label, line, self.at.commit, digest_of(self.reading.text))

    def _unknown(self, path: Path, keys: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
        for key in keys:
            if key in known:
                continue
            like = nearest(key, known)
            fix = key_fix(self.reading, (*path, key), like, keys)
            hint = f"did you mean `{like}`?" if like else f"it is kept; known are {', '.join(known)}"
            self._say("warning", (*path, key), f"unknown key `{key}` in {what}", "unknown-key", hint, fix, at_key=True)

    # sections

    def _top_keys(self) -> None:
        if "meta" in self.data and "bundle" not in self.data:
            self._say("info", ("meta",), "this is an agent's file, not a bundle", "agent-file", "name it in `agents`")
            return
        self._unknown((), self.data, TOP_KEYS, "a bundle")

    def _meta(self) -> tuple[str, str, str]:
        meta = self._section("bundle", dict, "write `bundle:` with `name: …` below it") or {}
        if "includes" in meta:
            self._say(
                "error",
                ("bundle", "includes"),
                "`includes` is under `bundle:`, where nothing reads it",
                "includes-nested",
                "move it to the left edge: `includes:`",
                self._includes_fix(meta["includes"]),
                at_key=True,
            )
        known = {key: value for key, value in meta.items() if key != "includes"}  # which has a problem of its own
        self._unknown(("bundle",), known, META_KEYS, "`bundle`")
        for key in META_KEYS:
            if isinstance(meta.get(key), dict | list):
                self._say("error", ("bundle", key), f"`bundle.{key}` is not text", "meta-kind")
        texts = ["" if isinstance(meta.get(key), dict | list) else _text(meta.get(key)) for key in META_KEYS]
        return texts[0], texts[1] or "1.0.0", texts[2]

    def _includes_fix(self, value: Any) -> Edit | None:
        if not isinstance(value, list) or "includes" in self.data:
            return None
        return edited(
            self.reading,
            lambda document: document.remove_entry(("bundle", "includes")),
            lambda document: document.set_value(("includes",), value),
            summary="move it to the left edge",
        )

    def _includes(self) -> Iterator[Include]:
        value = self.data.get("includes")
        if value is None:
            return
        if not isinstance(value, list):
            yield from self._include_without_list(value)
            return
        seen: set[str] = set()
        for index, item in enumerate(value):
            uri = self._include(item, ("includes", index))
            if uri and uri in seen:
                self._say("warning", ("includes", index), f"`{uri}` is included twice here", "include-twice",
                          "keep one", line_fix(self.reading, ("includes", index)))  # fmt: skip
            if uri:
                seen.add(uri)
                yield Include(uri, ("includes", index, "bundle") if isinstance(item, dict) else ("includes", index))

    def _include_without_list(self, value: Any) -> Iterator[Include]:
        uri = value if isinstance(value, str) else value.get("bundle") if isinstance(value, dict) else None
        line = f"- bundle: {uri}" if isinstance(uri, str) else "- bundle: URI"
        fix = (list_fix(self.reading, ("includes",), "bundle") if isinstance(value, str) else
               item_fix(self.reading, ("includes",)))  # fmt: skip
        self._say(
            "error", ("includes",), f"`includes` is {_kind(value)}, not a list", "includes-kind",
            f"write below `includes:` the line `  {line}`", fix, at_key=not isinstance(value, str),
        )  # fmt: skip
        if isinstance(uri, str):
            yield Include(uri, ("includes",) if isinstance(value, str) else ("includes", "bundle"))

    def _include(self, item: Any, path: Path) -> str:
        if isinstance(item, str) and item.strip():
            return item.strip()
        if isinstance(item, dict) and isinstance(item.get("bundle"), str) and item["bundle"].strip():
            self._unknown(path, item, ("bundle",), "an include")
            return str(item["bundle"]).strip()
        key = next(iter(item), "") if isinstance(item, dict) else ""
        value = item[key] if isinstance(item, dict) and isinstance(item.get(key), str) else "URI"
        fix = key_fix(self.reading, (*path, key), "bundle", item) if key and value != "URI" else None
        what = f"the key `{key}`" if key and key != "bundle" else _kind(item)
        self._say("error", path, f"an include with {what}", "include-shape", f"write `- bundle: {value}`", fix)
        return ""

    def _session(self) -> Node | None:
        session = self._section("session", dict, "write `session:` with `orchestrator:` and `context:` below it")
        if not session:
            return None
        for key in session:
            like = nearest(key, SESSION_KEYS)
            if key not in SESSION_KEYS and like:
                fix = key_fix(self.reading, ("session", key), like, session)
                self._say("warning", ("session", key), f"unknown key `{key}` in `session`", "unknown-key",
                          f"did you mean `{like}`?", fix, at_key=True)  # fmt: skip
        for slot in SLOTS:
            value = session.get(slot)
            if isinstance(value, dict):
                self._unknown(("session", slot), value, ENTRY_KEYS, f"`{slot}`")
                self._entry_values(("session", slot), value)
            elif value is not None and not isinstance(value, str):
                hint = f"write `{slot}: {{module: …}}`"
                self._say("error", ("session", slot), f"`{slot}` is {_kind(value)}", "slot-kind", hint)
        return self._sourced(self._node("session"))

    def _spawn(self) -> Node | None:
        spawn = self._section("spawn", dict, "write `spawn: {exclude_tools: [tool-task]}`")
        if not spawn:
            return None
        self._unknown(("spawn",), spawn, SPAWN_KEYS, "`spawn`")
        if all(spawn.get(key) is not None for key in SPAWN_KEYS):
            hint = "keep `exclude_tools` (all but these) or `tools` (only these)"
            self._say("error", ("spawn", "tools"), "`spawn` has both `tools` and `exclude_tools`", "spawn-both", hint,
                      spawn_fix(self.reading))  # fmt: skip
        for key in SPAWN_KEYS:
            if spawn.get(key) is not None and not isinstance(spawn[key], list):
                hint = f"write `{key}: [tool-…]`"
                fix = list_fix(self.reading, ("spawn", key)) if isinstance(spawn[key], str) else None
                message = f"`spawn.{key}` is {_kind(spawn[key])}, not a list"
                self._say("error", ("spawn", key), message, "spawn-kind", hint, fix)
        return self._node("spawn")

    def _entries(self, section: str) -> Iterator[Entry]:
        items = self._section(section, list, f"write below `{section}:` the line `  - module: …`")
        for index, item in enumerate(items or ()):
            path: Path = (section, index)
            if not isinstance(item, dict):
                hint = f"write `- module: {item}`" if isinstance(item, str) else "write `- module: …`"
                fix = entry_fix(self.reading, path) if isinstance(item, str) else None
                self._say("error", path, f"an entry of `{section}` is {_kind(item)}", "entry-kind", hint, fix)
                continue
            self._unknown(path, item, ENTRY_KEYS, f"an entry of `{section}`")
            key = item.get("id") or item.get("module")
            self._entry_values(path, item)
            if isinstance(key, str) and key:
                yield Entry(key, self._sourced(self._node(*path)), path)

    def _entry_values(self, path: Path, item: Mapping[str, Any]) -> None:
        if not item.get("module") and (len(path) > 1 and path[0] != "session"):
            hint = "add `module: …`; without it the entry is dropped"
            if item.get("id"):
                hint = "add `module: …`, or leave it out only where an include has an entry of this `id`"
            severity: Severity = "warning" if item.get("id") else "error"
            self._say(severity, path, "an entry without `module`", "entry-without-module", hint)
        for key in ("module", "source", "id"):
            if item.get(key) is not None and not isinstance(item[key], str):
                fix = text_fix(self.reading, (*path, key))
                self._say("error", (*path, key), f"`{key}` is {_kind(item[key])}, not text", "entry-value", "", fix)
        if item.get("config") is not None and not isinstance(item["config"], dict):
            self._say("error", (*path, "config"), f"`config` is {_kind(item['config'])}, not a map", "entry-value")

    def _sourced(self, node: Node) -> Node:
        """Make relative sources absolute, so that they mean the same wherever the entry ends up (A)."""
        if not self.at.folder or not isinstance(node.value, dict):
            return node
        changed: dict[str, Node] = {}
        for key, item in node.value.items():
            if key == "source" and isinstance(item.value, str) and item.value.startswith(("./", "../")):
                changed[key] = Node(_absolute(self.at.folder, item.value), item.origins)
            elif key in SLOTS and isinstance(item.value, dict):
                changed[key] = self._sourced(item)
        return Node({**node.value, **changed}, node.origins) if changed else node

    def _agents(self) -> Iterator[Part]:
        agents = self._section("agents", dict, "write `agents: {include: [name]}` or `agents: {name: {…}}`") or {}
        yield from self._agent_includes(agents.get("include"))
        for name, value in agents.items():
            if name == "include":
                continue
            if isinstance(value, dict):
                yield Part(name, self._origin(("agents", name)), self._node("agents", name), path=("agents", name))
            else:
                hint = f"write `{name}: {{description: …, instruction: …}}`, or put the name in `include`"
                self._say("error", ("agents", name), f"the agent `{name}` is {_kind(value)}", "agent-kind", hint)

    def _agent_includes(self, names: Any) -> Iterator[Part]:
        for index, name in self._strings(("agents", "include"), names):
            path: Path = ("agents", "include", index)
            yield Part(name, self._origin(path), reference=name, path=path)

    def _context(self, bundle: str) -> Iterator[Part]:
        context = self._section("context", dict, "write `context: {include: [path]}`") or {}
        found: list[tuple[str, str, Path]] = []
        for index, name in self._strings(("context", "include"), context.get("include")):
            found.append((name, name, ("context", "include", index)))
        for key, value in context.items():
            if key == "include":
                continue
            if isinstance(value, str):
                found.append((key, value, ("context", key)))
            else:
                self._say("error", ("context", key), f"`context.{key}` is {_kind(value)}, not a path", "context-kind")
        for name, reference, path in found:
            if reference.startswith("@"):
                fix = value_fix(self.reading, path, reference[1:], "remove the @")
                self._say("warning", path, "no `@` in `context`", "context-at", f"write `{reference[1:]}`", fix)
                name, reference = name.removeprefix("@"), reference[1:]
            prefixed = f"{bundle}:{name}" if bundle and ":" not in name else name
            yield Part(prefixed, self._origin(path), reference=reference, path=path)

    def _strings(self, path: Path, value: Any) -> Iterator[tuple[int, str]]:
        if value is None:
            return
        if not isinstance(value, list):
            hint = f"write `{path[-1]}: [{value}]`" if isinstance(value, str) else "write a list"
            fix = list_fix(self.reading, path) if isinstance(value, str) else None
            self._say("error", path, f"`{show_path(path)}` is {_kind(value)}, not a list", "list-kind", hint, fix)
            return
        for index, item in enumerate(value):
            if isinstance(item, str) and item:
                yield index, item
            else:
                self._say("error", (*path, index), f"an entry is {_kind(item)}, not a name", "list-kind")


def _absolute(folder: str, relative: str) -> str:
    parts = folder.rstrip("/").split("/")
    for part in relative.split("/"):
        if part == ".." and len(parts) > 1:
            parts.pop()
        elif part not in (".", "", ".."):
            parts.append(part)
    return "/".join(parts)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _kind(value: Any) -> str:
    names: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "true or false"), (dict, "a map"), (list, "a list"), (str, "text"), ((int, float), "a number"),
    ]  # fmt: skip
    found: Callable[[type | tuple[type, ...]], bool] = lambda kind: isinstance(value, kind)  # noqa: E731
    return next(
        (name for kind, name in names if found(kind)), "empty" if value is None else f"a {type(value).__name__}"
    )
