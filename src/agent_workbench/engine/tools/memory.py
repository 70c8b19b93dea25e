"""`tool-memory`: values that the sessions of a folder, or of a namespace, remember together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from agent_workbench.configs.modules import Module
from agent_workbench.engine.ports import Intent, MountContext, ToolContext, ToolOutcome, ToolSpec
from agent_workbench.engine.tools.sharing import (
    News,
    SharedConfig,
    SharedTool,
    changed_since,
    mounted,
    newest,
    text_field,
)

MAX_KEY = 200
MAX_VALUE = 100_000
"""Characters of one value as JSON."""
MAX_LISTED = 200
NAMES = ("memory_read", "memory_write", "memory_delete")
_KEY = text_field("The name of the value, such as `build/command`.", MAX_KEY, pattern=r"^[^\x00-\x1f]+$")


class MemoryConfig(SharedConfig):
    """The config of `tool-memory`."""


class Store(Protocol):
    """What remembers; records have `key`, `value`, `revision`, `author` and `updated_at`."""

    def get(self, scope: str, key: str) -> Any: ...
    def put(
        self, scope: str, key: str, value: Any, *, author: str = "", expected_revision: int | None = None
    ) -> Any: ...
    def delete(self, scope: str, key: str) -> bool: ...
    def list_keys(self, scope: str, *, prefix: str = "", limit: int = 100) -> Sequence[Any]: ...


class _MemoryTool(SharedTool[Store]):
    what = "Shared memory"


@dataclass(frozen=True)
class MemoryRead(_MemoryTool):
    """memory_read: one value, or what there is."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        "memory_read",
        "Read what sessions remember together: one value by its key, or the keys that begin with a prefix.",
        {
            "type": "object",
            "properties": {
                "key": _KEY,
                "prefix": {"type": "string", "description": "List keys instead; may be empty."},
            },
        },
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which value is read."""
        return Intent("read", arguments.get("key") or arguments.get("prefix", ""))

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Return the value with its revision, or the keys."""
        if "key" in arguments:
            return await self.stored(lambda store: self._value(store, arguments["key"]))
        return await self.stored(lambda store: self._keys(store, arguments.get("prefix", "")))

    def _value(self, store: Store, key: str) -> ToolOutcome:
        found = store.get(self.scope, key)
        if found is None:
            return ToolOutcome(f"Nothing is remembered as {key!r}; memory_read without a key lists what is.")
        value = json.dumps(found.value, ensure_ascii=False, indent=1)
        details = {"key": key, "revision": found.revision, "seen": newest([found])}
        return ToolOutcome(
            f"{value}\n[revision {found.revision}, by session {found.author or 'unknown'}]", details=details
        )

    def _keys(self, store: Store, prefix: str) -> ToolOutcome:
        found = store.list_keys(self.scope, prefix=prefix, limit=MAX_LISTED)
        lines = [f"{one.key} (revision {one.revision})" for one in found]
        details = {"keys": len(lines), **({"seen": newest(found)} if not prefix else {})}
        return ToolOutcome("\n".join(lines) or "Nothing is remembered yet.", details=details)


@dataclass(frozen=True)
class MemoryWrite(_MemoryTool):
    """memory_write: remember a value."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        "memory_write",
        "Remember a value for all sessions that share this memory. Give expected_revision, as memory_read said it, so "
        "that you do not overwrite what another session wrote meanwhile; 0 means that there must be none yet.",
        {
            "type": "object",
            "properties": {
                "key": _KEY,
                "value": {"description": "Any JSON value."},
                "expected_revision": {"type": "integer", "minimum": 0},
            },
            "required": ["key", "value"],
        },
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say what is remembered under which key."""
        value = json.dumps(arguments["value"], ensure_ascii=False, indent=1)
        return Intent("write", arguments["key"], preview=f"{arguments['key']} = {value}")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Store the value."""
        size = len(json.dumps(arguments["value"], ensure_ascii=False))
        if size > MAX_VALUE:
            return ToolOutcome(f"the value has {size:,} characters; one has {MAX_VALUE:,} at most", is_error=True)
        return await self.stored(lambda store: self._put(store, arguments, context.session_id))

    def _put(self, store: Store, arguments: Mapping[str, Any], author: str) -> ToolOutcome:
        expected = arguments.get("expected_revision")
        kept = store.put(self.scope, arguments["key"], arguments["value"], author=author, expected_revision=expected)
        return ToolOutcome(f"Remembered {kept.key} (revision {kept.revision}).", details={"revision": kept.revision})


@dataclass(frozen=True)
class MemoryDelete(_MemoryTool):
    """memory_delete: forget a value."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        "memory_delete",
        "Forget a value, for all sessions that share this memory.",
        {"type": "object", "properties": {"key": _KEY}, "required": ["key"]},
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which value is forgotten."""
        return Intent("write", arguments["key"], preview=f"forget {arguments['key']}")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Delete the value."""
        key = arguments["key"]
        words = {True: f"Forgot {key}.", False: f"Nothing was remembered as {key!r}."}
        return await self.stored(lambda store: ToolOutcome(words[store.delete(self.scope, key)]))


def create(config: MemoryConfig, context: MountContext) -> tuple[object, ...]:
    """Make the tools that the config's access allows, and the hook that tells of changes."""
    return mounted(config, context, "memory", {MemoryRead: "read", MemoryWrite: "write", MemoryDelete: "write"}, _news)


def _news(store: Store, scope: str) -> News:
    def look(seen: Any, session_id: str) -> list[str]:
        found = changed_since(store.list_keys(scope, limit=MAX_LISTED), seen, session_id)
        return [f"{one.key} (revision {one.revision})" for one in found]

    return News("the shared memory", NAMES, look)


MODULE = Module(
    "tool-memory",
    "tool",
    "Values that sessions remember together: memory_read, memory_write, memory_delete.",
    MemoryConfig,
    create,
    NAMES,
)
