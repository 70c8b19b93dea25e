"""`tool-filesystem`: read_file, write_file and edit_file, with the original's names and arguments."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from agent_workbench.configs.edits import unified_diff
from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.engine.permissions import Place
from agent_workbench.engine.ports import Intent, MountContext, Tool, ToolContext, ToolOutcome, ToolSpec
from agent_workbench.engine.tools.files import FileRefused, lines_of, permitted, place, read_bytes, write_bytes

MAX_LINES = 2000
MAX_LINE = 2000
_EDITING = threading.Lock()
BOM = "\ufeff"
MAX_DIFF = 400_000
"""Characters of old and new text together above which no diff is made: it would take seconds."""


class FilesystemConfig(ModuleConfig):
    """The config of `tool-filesystem`. Relative paths are those of the session's folder."""

    allowed_read_paths: list[str] | None = None
    """Folders that may be read; all that the permissions allow where nothing is listed."""
    allowed_write_paths: list[str] | None = None
    """Folders that may be written to; all that the permissions allow where nothing is listed."""
    allowed_write_files: list[str] = Field(default_factory=list)
    """Single files that may be written although they lie outside of `allowed_write_paths`."""
    denied_read_paths: list[str] = Field(default_factory=list)
    """Folders and files that are never read."""
    denied_write_paths: list[str] = Field(default_factory=list)
    """Folders and files that are never written."""
    require_approval: bool = False
    """No effect here: the permission rules decide here."""


@dataclass(frozen=True)
class _FileTool:
    """What the three tools share: finding the file and holding it against the config."""

    config: FilesystemConfig

    def find(self, arguments: Mapping[str, Any], context: ToolContext, *, writing: bool) -> Place:
        """Return the file that the arguments name.

        Raises:
            FileRefused: If the config does not let a tool touch it.
        """
        where, config = place(arguments["file_path"], context.workspace), self.config
        if writing:
            permitted(
                where, allowed=config.allowed_write_paths, denied=config.denied_write_paths,
                files=config.allowed_write_files, base=context.workspace,
            )  # fmt: skip
        else:
            permitted(where, allowed=config.allowed_read_paths, denied=config.denied_read_paths, base=context.workspace)
        return where


@dataclass(frozen=True)
class ReadFile(_FileTool):
    """read_file: lines with their numbers."""

    spec = ToolSpec(
        "read_file",
        "Read a text file. Lines come numbered, as `number<tab>text`. Use offset and limit for parts of large files.",
        {
            "type": "object",
            "properties": {
                "file_path": {"type": "string", "description": "The file, absolute or relative to the workspace."},
                "offset": {"type": "integer", "minimum": 1, "description": "The first line to read, from 1."},
                "limit": {"type": "integer", "minimum": 1, "description": f"How many lines; {MAX_LINES} by default."},
            },
            "required": ["file_path"],
        },
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which file is read."""
        self.find(arguments, context, writing=False)
        return Intent("read", arguments["file_path"], (arguments["file_path"],), f"read {arguments['file_path']}")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Return the lines asked for."""
        where = self.find(arguments, context, writing=False)
        context.guard(where.resolved)
        try:
            text = await asyncio.to_thread(_text, where.resolved)
        except (OSError, FileRefused) as error:
            return _failed(where, error)
        start, limit = arguments.get("offset", 1), arguments.get("limit", MAX_LINES)
        return _numbered(text.removeprefix(BOM), start, limit, str(where.given))


@dataclass(frozen=True)
class WriteFile(_FileTool):
    """write_file: a whole file, made or replaced."""

    spec = ToolSpec(
        "write_file",
        "Write a whole text file; an existing one is replaced, missing folders are made. Read a file before replacing "
        "it; prefer edit_file for changes.",
        {
            "type": "object",
            "properties": {
                "file_path": {"type": "string", "description": "The file, absolute or relative to the workspace."},
                "content": {"type": "string", "description": "The whole new content."},
            },
            "required": ["file_path", "content"],
        },
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which file is written, with the diff."""
        where = self.find(arguments, context, writing=True)
        old, new = _current(where.resolved), arguments["content"]
        return _write_intent(arguments["file_path"], _diff(old or "", new, where.given))

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Write the file, whole or not at all."""
        where = self.find(arguments, context, writing=True)
        context.guard(where.resolved)
        old, new = _current(where.resolved), arguments["content"]
        try:
            content = new.encode("utf-8")
            await asyncio.to_thread(write_bytes, where.resolved, content)
        except (OSError, FileRefused, UnicodeEncodeError) as error:
            return _failed(where, error)
        verb = "Created" if old is None else "Replaced"
        details = {"path": str(where.resolved), "diff": _diff(old or "", new, where.given), "bytes": len(content)}
        return ToolOutcome(f"{verb} {where.given} ({len(content):,} bytes).", details=details)


@dataclass(frozen=True)
class EditFile(_FileTool):
    """edit_file: an exact replacement; line ends and a byte order mark stay as they are."""

    spec = ToolSpec(
        "edit_file",
        "Replace exact text in a file. old_string must occur exactly once, unless replace_all is set. Copy it from "
        "read_file without the line numbers.",
        {
            "type": "object",
            "properties": {
                "file_path": {"type": "string", "description": "The file, absolute or relative to the workspace."},
                "old_string": {"type": "string", "minLength": 1, "description": "The exact text to replace."},
                "new_string": {"type": "string", "description": "What to put there."},
                "replace_all": {"type": "boolean", "description": "Replace every occurrence; false by default."},
            },
            "required": ["file_path", "old_string", "new_string"],
        },
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which file is changed, with the diff."""
        where = self.find(arguments, context, writing=True)
        try:
            old, new, _ = _edited(where.resolved, arguments)
        except (OSError, FileRefused) as error:
            preview = f"cannot be made: {_reason(where, error)}"
            return Intent("write", arguments["file_path"], (arguments["file_path"],), preview)
        return _write_intent(arguments["file_path"], _diff(old, new, where.given))

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Make the replacement."""
        where = self.find(arguments, context, writing=True)
        context.guard(where.resolved)
        try:
            old, new, count = await asyncio.to_thread(_edit, where.resolved, arguments)
        except (OSError, FileRefused, UnicodeEncodeError) as error:
            return _failed(where, error)
        places = "1 place" if count == 1 else f"{count} places"
        details = {"path": str(where.resolved), "diff": _diff(old, new, where.given), "replacements": count}
        return ToolOutcome(f"Changed {where.given} in {places}.", details=details)


def _write_intent(path: str, diff: str) -> Intent:
    return Intent("write", path, (path,), diff or "nothing would change", "diff" if diff else "text")


def _text(path: Path) -> str:
    """Read a text file, bytes that are not UTF-8 as escapes that come back unchanged."""
    content = read_bytes(path)
    if b"\0" in content[:8192]:
        raise FileRefused(f"{path.name} is not a text file")
    return content.decode("utf-8", "surrogateescape")


def _current(path: Path) -> str | None:
    """Return what a file holds now, empty where that is no text, None where there is none."""
    try:
        return _text(path)
    except FileNotFoundError:
        return None
    except OSError:
        return ""


def _edit(path: Path, arguments: Mapping[str, Any]) -> tuple[str, str, int]:
    """Edit a file, one at a time: the calls of a reply run at once, and the later of two would undo the earlier."""
    with _EDITING:
        old, new, count = _edited(path, arguments)
        write_bytes(path, new.encode("utf-8", "surrogateescape"))
    return old, new, count


def _edited(path: Path, arguments: Mapping[str, Any]) -> tuple[str, str, int]:
    """Return a file's text before and after a replacement, and how many were made.

    Raises:
        FileRefused: If the text to replace is not there, not unique, or equals its replacement.
    """
    text = _text(path)
    wanted, new = arguments["old_string"], arguments["new_string"]
    if "\r\n" in text and "\r\n" not in wanted and text.count("\n") == text.count("\r\n"):
        wanted, new = wanted.replace("\n", "\r\n"), new.replace("\r\n", "\n").replace("\n", "\r\n")
    count = text.count(wanted)
    if count == 0:
        raise FileRefused("old_string is not in the file; read the file and copy the text exactly")
    if wanted == new:
        raise FileRefused("old_string and new_string are equal, nothing would change")
    if count > 1 and not arguments.get("replace_all", False):
        raise FileRefused(f"old_string is there {count} times; give more of the text around it, or set replace_all")
    return text, text.replace(wanted, new), count


def _diff(old: str, new: str, name: str) -> str:
    if len(old) + len(new) > MAX_DIFF:
        return f"(too large for a diff: {len(old):,} characters before, {len(new):,} after)"
    return unified_diff(old, new, name=name)


def _numbered(text: str, start: int, limit: int, name: str) -> ToolOutcome:
    lines = lines_of(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    if not lines:
        return ToolOutcome(f"{name} is empty.", details={"lines": 0})
    if start > len(lines):
        return ToolOutcome(f"{name} has only {len(lines)} lines.", is_error=True)
    chosen = lines[start - 1 : start - 1 + limit]
    shown = [
        f"{number:6}\t{line if len(line) <= MAX_LINE else line[:MAX_LINE] + ' […]'}"
        for number, line in enumerate(chosen, start)
    ]
    last = start + len(chosen) - 1
    rest = f"\n[lines {start}–{last} of {len(lines)}; go on with offset={last + 1}]" if last < len(lines) else ""
    return ToolOutcome("\n".join(shown) + rest, details={"lines": len(lines), "first": start, "last": last})


def _reason(where: Place, error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "the content holds characters that are not valid text"
    if isinstance(error, OSError) and not isinstance(error, FileRefused):
        return f"{where.given}: {error.strerror or error}"
    return str(error)


def _failed(where: Place, error: Exception) -> ToolOutcome:
    return ToolOutcome(_reason(where, error), is_error=True)


def create(config: FilesystemConfig, context: MountContext) -> tuple[Tool, ...]:
    """Make the three tools."""
    return (ReadFile(config), WriteFile(config), EditFile(config))


MODULE = Module(
    "tool-filesystem",
    "tool",
    "Read, write and edit text files: read_file, write_file, edit_file.",
    FilesystemConfig,
    create,
    ("read_file", "write_file", "edit_file"),
)
