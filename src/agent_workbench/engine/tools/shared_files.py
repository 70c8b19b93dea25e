"""`tool-shared-files`: text files that the sessions of a folder, or of a namespace, keep together in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from agent_workbench.configs.edits import unified_diff
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

MAX_CONTENT = 1_000_000
MAX_LISTED = 500
MAX_DIFF = 200_000
"""Characters of a file above which the question shows the new text alone."""
NAMES = ("shared_file_list", "shared_file_read", "shared_file_write", "shared_file_delete")
_PATH = text_field("A plain relative path, such as `notes/plan.md`.", 500)


class SharedFilesConfig(SharedConfig):
    """The config of `tool-shared-files`."""


class Store(Protocol):
    """What keeps files; records have `path`, `size`, `revision`, `author` and `updated_at`."""

    def read(self, scope: str, path: str) -> bytes | None: ...
    def write(
        self, scope: str, path: str, content: bytes, *, author: str = "", expected_revision: int | None = None
    ) -> Any: ...
    def delete(self, scope: str, path: str) -> bool: ...
    def list_files(self, scope: str, *, prefix: str = "", limit: int = 1000) -> Sequence[Any]: ...


class _FileTool(SharedTool[Store]):
    what = "Shared files"


@dataclass(frozen=True)
class SharedFileList(_FileTool):
    """shared_file_list: what there is."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        "shared_file_list",
        "List the files that sessions share; they are no files of the workspace.",
        {"type": "object", "properties": {"prefix": {"type": "string", "description": "How their paths begin."}}},
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which part is listed."""
        return Intent("read", arguments.get("prefix", ""))

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Return paths, sizes and revisions."""
        prefix = arguments.get("prefix", "")

        def listed(store: Store) -> ToolOutcome:
            found = store.list_files(self.scope, prefix=prefix, limit=MAX_LISTED)
            lines = [f"{one.path} ({one.size:,} bytes, revision {one.revision})" for one in found]
            details = {"files": len(lines), **({"seen": newest(found)} if not prefix else {})}
            return ToolOutcome("\n".join(lines) or "There are no shared files yet.", details=details)

        return await self.stored(listed)


@dataclass(frozen=True)
class SharedFileRead(_FileTool):
    """shared_file_read: one file."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        "shared_file_read",
        "Read a shared text file.",
        {"type": "object", "properties": {"path": _PATH}, "required": ["path"]},
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which file is read."""
        return Intent("read", arguments["path"])

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Return its text."""
        path = arguments["path"]
        return await self.stored(lambda store: self._read(store, path))

    def _read(self, store: Store, path: str) -> ToolOutcome:
        content = store.read(self.scope, path)
        if content is None:
            return ToolOutcome(f"There is no shared file {path!r}.", is_error=True)
        record = next((one for one in store.list_files(self.scope, prefix=path, limit=1) if one.path == path), None)
        details = {"path": path, "revision": record.revision, "seen": newest([record])} if record else {}
        try:
            return ToolOutcome(content.decode("utf-8") or f"{path} is empty.", details=details)
        except UnicodeDecodeError:
            return ToolOutcome(f"{path} is no text file ({len(content):,} bytes).", is_error=True, details=details)


@dataclass(frozen=True)
class SharedFileWrite(_FileTool):
    """shared_file_write: a whole file, made or replaced."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        "shared_file_write",
        "Write a shared text file whole. Give expected_revision, as shared_file_list said it, so that you do not "
        "overwrite what another session wrote meanwhile; 0 means that there must be none yet.",
        {
            "type": "object",
            "properties": {
                "path": _PATH,
                "content": {"type": "string", "maxLength": MAX_CONTENT},
                "expected_revision": {"type": "integer", "minimum": 0},
            },
            "required": ["path", "content"],
        },
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which file is written, with the diff."""
        path, new = arguments["path"], arguments["content"]
        old = (self.store.read(self.scope, path) if self.store else None) or b""
        if len(old) + len(new) > MAX_DIFF:
            return Intent("write", path, preview=new)
        diff = unified_diff(old.decode("utf-8", "replace"), new, name=path)
        return Intent("write", path, preview=diff or "nothing would change", preview_kind="diff" if diff else "text")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Store the file."""
        path = arguments["path"]
        try:
            content = arguments["content"].encode("utf-8")
        except UnicodeEncodeError:
            return ToolOutcome("the content holds characters that are not valid text", is_error=True)

        def write(store: Store) -> ToolOutcome:
            expected = arguments.get("expected_revision")
            kept = store.write(self.scope, path, content, author=context.session_id, expected_revision=expected)
            words = f"Wrote {kept.path} ({kept.size:,} bytes, revision {kept.revision})."
            return ToolOutcome(words, details={"path": kept.path, "revision": kept.revision})

        return await self.stored(write)


@dataclass(frozen=True)
class SharedFileDelete(_FileTool):
    """shared_file_delete: remove one."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        "shared_file_delete",
        "Remove a shared file, for all sessions that share it.",
        {"type": "object", "properties": {"path": _PATH}, "required": ["path"]},
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which file is removed."""
        return Intent("write", arguments["path"], preview=f"remove the shared file {arguments['path']}")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Remove it."""
        path = arguments["path"]
        words = {True: f"Removed {path}.", False: f"There was no shared file {path!r}."}
        return await self.stored(lambda store: ToolOutcome(words[store.delete(self.scope, path)]))


def create(config: SharedFilesConfig, context: MountContext) -> tuple[object, ...]:
    """Make the tools that the config's access allows, and the hook that tells of changes."""
    return mounted(
        config, context, "shared_files",
        {SharedFileList: "read", SharedFileRead: "read", SharedFileWrite: "write", SharedFileDelete: "write"}, _news,
    )  # fmt: skip


def _news(store: Store, scope: str) -> News:
    def look(seen: Any, session_id: str) -> list[str]:
        found = changed_since(store.list_files(scope, limit=MAX_LISTED), seen, session_id)
        return [f"{one.path} (revision {one.revision})" for one in found]

    return News("the shared files", NAMES, look)


MODULE = Module(
    "tool-shared-files",
    "tool",
    "Text files that sessions share: shared_file_list, shared_file_read, shared_file_write, shared_file_delete.",
    SharedFilesConfig,
    create,
    NAMES,
)
