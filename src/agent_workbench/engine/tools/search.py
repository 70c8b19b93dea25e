"""`tool-search`: grep and glob, with the original's names and arguments, without any program of the machine's."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import os
import re
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.engine.permissions import locate
from agent_workbench.engine.permissions.places import PathPattern
from agent_workbench.engine.permissions.protected import protection
from agent_workbench.engine.ports import Intent, MountContext, Tool, ToolContext, ToolOutcome, ToolSpec
from agent_workbench.engine.tools.files import FileRefused, lines_of, permitted, place
from agent_workbench.engine.tools.matcher import MAX_HERE, command, is_tame, matching_lines, text_of
from agent_workbench.engine.tools.processes import clean_environment, run_program

#: Folders that hold what others made; searched only when they are the path that was asked for.
SKIPPED = frozenset({
    ".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", "dist", "build", "target",
})  # fmt: skip

MAX_LINE = 500
MAX_CHOICES = 1_000
"""Patterns that the braces of one glob may stand for: each group multiplies them."""
MAX_SECONDS = 20.0
"""How long one search may take."""

_TYPES: Mapping[str, tuple[str, ...]] = {
    "py": ("*.py", "*.pyi"), "js": ("*.js", "*.jsx", "*.mjs", "*.cjs"), "ts": ("*.ts", "*.tsx", "*.mts"),
    "rust": ("*.rs",), "go": ("*.go",), "java": ("*.java",), "c": ("*.c", "*.h"),
    "cpp": ("*.cpp", "*.cc", "*.hpp", "*.h"), "md": ("*.md",), "json": ("*.json",), "yaml": ("*.yaml", "*.yml"),
    "toml": ("*.toml",), "html": ("*.html", "*.htm"), "css": ("*.css",), "sh": ("*.sh", "*.bash"), "sql": ("*.sql",),
}  # fmt: skip


class SearchConfig(ModuleConfig):
    """The config of `tool-search`. Relative paths are those of the session's folder."""

    max_results: int = Field(default=500, ge=1)
    """How many matches one call returns at most."""
    max_file_size: int = Field(default=10_000_000, ge=1)
    """Bytes above which grep passes a file over."""
    allowed_paths: list[str] | None = None
    """Folders that may be searched; all that the permissions allow where nothing is listed."""
    denied_paths: list[str] = Field(default_factory=list)
    """Folders and files that are never searched or named."""
    working_dir: str | None = None
    """No effect here: a session works in its own folder."""


@dataclass(frozen=True)
class _Walk:
    """One search's way through the files. `stop` ends it from another thread, `guard` is the call's."""

    config: SearchConfig
    workspace: Path
    guard: Callable[[Path], None] = lambda path: None
    stop: threading.Event = field(default_factory=threading.Event)

    def root(self, given: str) -> Path:
        """Return the resolved place to start from.

        Raises:
            FileRefused: If the config does not let the tool search there.
        """
        where = place(given, self.workspace)
        permitted(where, allowed=self.config.allowed_paths, denied=self.config.denied_paths, base=self.workspace)
        return where.resolved

    def entries(self, root: Path) -> Iterator[Path]:
        """Yield files and folders below, by name, without following links or entering what others made."""
        denied = [PathPattern.parse(text, self.workspace) for text in self.config.denied_paths]
        for folder, names, files in os.walk(root, followlinks=False):
            names[:] = sorted(name for name in names if name not in SKIPPED)
            for name in [*names, *sorted(files)]:
                if self.stop.is_set():
                    return
                path = Path(folder, name)
                if not any(pattern.touches(path) for pattern in denied):
                    yield path

    def until_stopped(self, paths: Sequence[Path]) -> Iterator[Path]:
        """Yield paths until the search is over."""
        for path in paths:
            if self.stop.is_set():
                return
            yield path

    def readable(self, path: Path) -> bool:
        """Whether grep may look into a file: a regular one in its own place, allowed by itself, without secrets."""
        where = locate(str(path), self.workspace)
        if where.resolved != path or not path.is_file():
            return False
        try:
            self.guard(path)
        except PermissionError:
            return False
        return protection(where, writing=False, workspace=self.workspace) is None


@dataclass(frozen=True)
class _SearchTool:
    config: SearchConfig

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say where is searched."""
        given = arguments.get("path") or "."
        _Walk(self.config, context.workspace).root(given)
        return Intent("read", given, (given,), f"{arguments['pattern']} in {given}")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Search in a thread, so that the session stays quick; cancelling stops at the next file."""
        walk = _Walk(self.config, context.workspace, context.guard)
        try:
            root = walk.root(arguments.get("path") or ".")
            context.guard(root)
            async with asyncio.timeout(MAX_SECONDS):
                return await self.search(arguments, walk, root)
        except (FileRefused, re.error) as error:
            return ToolOutcome(str(error), is_error=True)
        except RecursionError:
            return ToolOutcome("the pattern is nested too deeply; use a simpler one", is_error=True)
        except TimeoutError:
            return ToolOutcome(f"the search took more than {MAX_SECONDS:.0f} seconds; narrow it down", is_error=True)
        finally:
            walk.stop.set()

    @abstractmethod
    async def search(self, arguments: Mapping[str, Any], walk: _Walk, root: Path) -> ToolOutcome:
        """Do the searching."""


class Glob(_SearchTool):
    """glob: files by name, the newest first."""

    spec = ToolSpec(
        "glob",
        "Find files by a glob pattern such as `**/*.py`; the newest come first.",
        {
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "minLength": 1, "description": "The glob, relative to path."},
                "path": {"type": "string", "description": "The folder to search; the workspace by default."},
                "type": {"enum": ["file", "dir", "any"], "description": "What to find; files by default."},
                "exclude": {"type": "array", "items": {"type": "string"}, "description": "Globs to leave out."},
            },
            "required": ["pattern"],
        },
    )

    async def search(self, arguments: Mapping[str, Any], walk: _Walk, root: Path) -> ToolOutcome:
        """Match every entry's path below the root."""
        return await asyncio.to_thread(self._listed, arguments, walk, root)

    def _listed(self, arguments: Mapping[str, Any], walk: _Walk, root: Path) -> ToolOutcome:
        kind, exclude = arguments.get("type", "file"), arguments.get("exclude", [])
        pattern = PathPattern.parse(_below(arguments["pattern"]), root)
        found: list[tuple[float, str]] = []
        for path in walk.entries(root):
            if not pattern.covers(path) or any(fnmatch.fnmatch(path.name, text) for text in exclude):
                continue
            is_folder = path.is_dir() and not path.is_symlink()
            if kind == "any" or is_folder == (kind == "dir"):
                found.append((_modified(path), _shown(path, walk.workspace)))
        found.sort(key=lambda item: (-item[0], item[1]))
        names = [name for _, name in found[: self.config.max_results]]
        more = f"\n[{len(found) - len(names)} more]" if len(found) > len(names) else ""
        return ToolOutcome("\n".join(names) + more if names else "No files match.", details={"count": len(found)})


class Grep(_SearchTool):
    """grep: lines by a regular expression."""

    spec = ToolSpec(
        "grep",
        "Search file contents by a regular expression. Binary files and folders such as node_modules are passed over.",
        {
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "minLength": 1, "description": "A regular expression."},
                "path": {"type": "string", "description": "A file or folder; the workspace by default."},
                "glob": {"type": "string", "description": "Only files whose name fits, such as *.py or *.{ts,tsx}."},
                "type": {"type": "string", "description": "Only files of a kind: " + ", ".join(_TYPES) + "."},
                "output_mode": {
                    "enum": ["content", "files_with_matches", "count"],
                    "description": "Lines, file names (the default), or counts.",
                },
                "-i": {"type": "boolean", "description": "Ignore case."},
                "-n": {"type": "boolean", "description": "Number the lines; true by default."},
                "-A": {"type": "integer", "minimum": 0, "description": "Lines to show after a match."},
                "-B": {"type": "integer", "minimum": 0, "description": "Lines to show before a match."},
                "-C": {"type": "integer", "minimum": 0, "description": "Lines to show around a match."},
                "multiline": {"type": "boolean", "description": "Let the pattern span lines, and . match newlines."},
                "head_limit": {"type": "integer", "minimum": 0, "description": "Only so many results; 0 is all."},
                "offset": {"type": "integer", "minimum": 0, "description": "Pass over the first results."},
            },
            "required": ["pattern"],
        },
    )

    async def search(self, arguments: Mapping[str, Any], walk: _Walk, root: Path) -> ToolOutcome:
        """Look into each file that fits, and answer in the mode asked for."""
        re.compile(arguments["pattern"])
        paths = await asyncio.to_thread(lambda: list(self._candidates(arguments, walk, root)))
        found = await self._found(paths, arguments, walk)
        mode = arguments.get("output_mode", "files_with_matches")
        results: list[str] = []
        for path, lines in found:
            name = _shown(path, walk.workspace)
            if mode == "content":
                text = await asyncio.to_thread(text_of, path, self.config.max_file_size) or ""
                results.extend(_content(name, lines_of(text), lines, arguments))
            else:
                results.append(name if mode == "files_with_matches" else f"{name}:{len(lines)}")
        return self._page(results, sum(len(lines) for _, lines in found), arguments)

    async def _found(
        self, paths: Sequence[Path], arguments: Mapping[str, Any], walk: _Walk
    ) -> Sequence[tuple[Path, list[int]]]:
        """Match here what cannot hang, and the rest in a process that can be killed. In the order of the paths."""
        pattern, multiline = arguments["pattern"], bool(arguments.get("multiline"))
        flags = (re.IGNORECASE if arguments.get("-i") else 0) | (re.DOTALL if multiline else 0) | re.MULTILINE
        how: dict[str, Any] = {"flags": int(flags), "multiline": multiline, "limit": self.config.max_file_size}
        here = await asyncio.to_thread(lambda: set(filter(_small, paths)) if is_tame(pattern) else set())
        near = walk.until_stopped([path for path in paths if path in here])
        found = await asyncio.to_thread(lambda: dict(matching_lines(near, pattern, **how)))
        far = [str(path) for path in paths if path not in here]
        if far:
            found |= await self._elsewhere({"paths": far, "pattern": pattern, **how}, walk.workspace)
        return [(path, found[path]) for path in paths if path in found]

    async def _elsewhere(self, order: Mapping[str, Any], folder: Path) -> Mapping[Path, list[int]]:
        done = await run_program(
            command(), folder=folder, environment=clean_environment(), timeout=MAX_SECONDS + 1,
            stdin=json.dumps(order).encode("ascii"), limit=20_000_000,
        )  # fmt: skip
        if done.code != 0:
            raise FileRefused("the search failed; try a simpler pattern")
        return {Path(path): lines for path, lines in json.loads(done.output)}

    def _candidates(self, arguments: Mapping[str, Any], walk: _Walk, root: Path) -> Iterator[Path]:
        names = [*islice(_braces(arguments.get("glob") or "*"), MAX_CHOICES + 1)]
        if len(names) > MAX_CHOICES:
            raise FileRefused(f"the glob stands for more than {MAX_CHOICES} patterns; use a simpler one")
        kinds = _TYPES.get(arguments.get("type", ""), (f"*.{arguments['type']}",)) if arguments.get("type") else ("*",)
        for path in [root] if root.is_file() else walk.entries(root):
            below = str(path.relative_to(root)) if path != root else path.name
            fits = any(fnmatch.fnmatch(path.name, n) or fnmatch.fnmatch(below, n) for n in names)
            fits = fits and any(fnmatch.fnmatch(path.name, kind) for kind in kinds)
            if fits and (path == root or walk.readable(path)):
                yield path

    def _page(self, results: Sequence[str], total: int, arguments: Mapping[str, Any]) -> ToolOutcome:
        offset = arguments.get("offset", 0)
        limit = min(arguments.get("head_limit", 0) or self.config.max_results, self.config.max_results)
        shown = results[offset : offset + limit]
        left = len(results) - offset - len(shown)
        more = f"\n[{left} more; go on with offset={offset + limit}]" if left > 0 else ""
        words = "\n".join(shown) + more if shown else "No matches."
        return ToolOutcome(words, details={"total_matches": total, "matches_count": len(shown)})


def _content(name: str, lines: Sequence[str], matches: Sequence[int], arguments: Mapping[str, Any]) -> list[str]:
    around = arguments.get("-C", 0)
    before, after = arguments.get("-B", around), arguments.get("-A", around)
    numbered = arguments.get("-n", True)
    wanted = sorted({i for m in matches for i in range(max(0, m - before), min(len(lines), m + after + 1))})
    hits = set(matches)
    shown = []
    for index in wanted:
        mark = ":" if index in hits else "-"
        place_ = f"{name}{mark}{index + 1}{mark}" if numbered else f"{name}{mark}"
        line = lines[index]
        shown.append(place_ + (line if len(line) <= MAX_LINE else line[:MAX_LINE] + " […]"))
    return shown


def _below(pattern: str) -> str:
    """Keep a pattern below its root: a leading slash, `~` or `..` would leave it."""
    parts = [part for part in pattern.split("/") if part not in ("", ".", "..")]
    text = "/".join(parts)
    return f"./{text}" if text.startswith("~") else text


def _braces(pattern: str) -> Iterator[str]:
    found = re.search(r"\{([^{}]*)\}", pattern)
    if found is None:
        yield pattern
        return
    for choice in found[1].split(",")[:50]:
        yield from _braces(pattern[: found.start()] + choice + pattern[found.end() :])


def _small(path: Path) -> bool:
    try:
        return path.lstat().st_size <= MAX_HERE
    except OSError:
        return True  # gone: there is nothing to search


def _modified(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _shown(path: Path, workspace: Path) -> str:
    root = Path(os.path.realpath(workspace))
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def create(config: SearchConfig, context: MountContext) -> tuple[Tool, ...]:
    """Make the two tools."""
    return (Grep(config), Glob(config))


MODULE = Module(
    "tool-search",
    "tool",
    "Find files and search their contents: grep, glob.",
    SearchConfig,
    create,
    ("grep", "glob"),
)
