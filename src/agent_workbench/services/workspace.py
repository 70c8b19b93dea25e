"""The files of a session's folder: offered by name, and sent along with a message."""

from __future__ import annotations

import base64
import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic
from urllib.parse import unquote

from agent_workbench.conversation.clean import clean
from agent_workbench.conversation.messages import Image, Message, Part, Text
from agent_workbench.engine.tools.files import read_bytes

MOST_FILES = 20_000
MOST_SECONDS = 1.0
"""A walk over a folder ends at either: what is offered must come while a person types."""
MOST_ENTRIES = 100_000
"""Names of one folder that are read; which ones of more is up to the disk."""
MOST_IGNORES = 500
"""Lines of one `.gitignore` that are heeded; each is held against each name."""
MOST_TEXT = 200_000
"""Bytes of a text file that is sent along."""
MOST_IMAGE = 5_000_000
"""Bytes of a picture that is sent along: what providers take."""

#: How a text begins that is a file sent along with what a person wrote.
ATTACHED = '\n\n<file path="'
_SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".ruff_cache"})
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_NAMED = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')
_PICTURE = re.compile(r"""(?<!\S)(?:'(/[^'\n]+)'|"(/[^"\n]+)"|(?:file://(?:localhost)?)?(/(?:\\ |\S)+))(?!\S)""")
_DATA = re.compile(r"data:image/[a-z+.-]{1,20};base64,([A-Za-z0-9+/]{16,}={0,2})")
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


@dataclass(frozen=True, slots=True)
class _Ignore:
    """One line of a `.gitignore`, roughly: `**` is a `*`, and what is not ignored again is looked at by name."""

    pattern: str
    folders_only: bool
    anchored: bool
    kept: bool
    below: str

    def fits(self, path: str, *, folder: bool) -> bool:
        if self.folders_only and not folder:
            return False
        inside = path.removeprefix(self.below)
        return fnmatch.fnmatch(inside if self.anchored else inside.rpartition("/")[2], self.pattern)


def list_files(folder: Path, *, most: int = MOST_FILES, seconds: float = MOST_SECONDS) -> list[str]:
    """Return the regular files below a folder as relative paths, nearest first, without what `.gitignore` files name.

    Links are neither listed nor followed, nor are names that cannot be printed. Stops at `most` files or `seconds`.
    """
    found: list[str] = []
    until = monotonic() + seconds
    waiting: list[tuple[str, tuple[_Ignore, ...]]] = [("", ())]
    for below, rules in waiting:
        if monotonic() > until:
            break
        rules = (*rules, *_ignored(folder, below))
        for name, is_folder in _entries(folder / below):
            if len(found) >= most or monotonic() > until:
                return found
            path = below + name
            if not name.isprintable() or _ignores(rules, path, folder=is_folder):
                continue
            if is_folder:
                waiting.append((path + "/", rules))
            else:
                found.append(path)
    return found


def _entries(folder: Path) -> list[tuple[str, bool]]:
    try:
        with os.scandir(folder) as entries:
            kept = [
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in islice(entries, MOST_ENTRIES)
                if entry.name not in _SKIPPED
                and (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False))
            ]
    except OSError:  # gone, or not ours to read: there is nothing to offer in it
        return []
    return sorted(kept)


def _ignored(folder: Path, below: str) -> Iterator[_Ignore]:
    try:
        lines = read_bytes((folder / below / ".gitignore").resolve(), 100_000).decode("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines[:MOST_IGNORES]:
        text = line.rstrip()
        kept, text = text.startswith("!"), text.removeprefix("!")
        if not text or text.startswith("#"):
            continue
        path = text.rstrip("/")
        anchored = "/" in path
        pattern = path.removeprefix("/").replace("**/", "*").replace("**", "*")
        yield _Ignore(pattern, text.endswith("/"), anchored, kept, below)


def _ignores(rules: Sequence[_Ignore], path: str, *, folder: bool) -> bool:
    last = next((rule for rule in reversed(rules) if rule.fits(path, folder=folder)), None)
    return last is not None and not last.kept


@dataclass(frozen=True, slots=True)
class Gathered:
    """A message with the files that it names, and a line for each that could not be sent along."""

    message: Message
    left_out: tuple[str, ...] = ()


def gather(text: str, folder: Path) -> Gathered:
    """Make a message of what a person wrote: files named as `@path` in the folder, and pictures, with it.

    A picture is named by its path or as `file://` address, as terminals paste what is dropped on them, or stands in the
    text as a `data:` address, which becomes a word. A name that is no file stays a word. The text comes first.
    """
    text, pictures = _pasted(text)
    parts: list[Part] = [Text(text), *pictures]
    left_out: list[str] = []
    for path, name in dict.fromkeys(_named(text, folder)):
        try:
            parts.append(attachment(path, name))
        except (OSError, ValueError) as error:
            left_out.append(f"{name} is not sent along: {error}")
    return Gathered(Message("user", tuple(parts)), tuple(left_out))


def _pasted(text: str) -> tuple[str, list[Image]]:
    """Take the pictures out of a text that stand in it as `data:` addresses; what is none stays as it is."""
    found: list[Image] = []

    def take(match: re.Match[str]) -> str:
        try:
            data = base64.b64decode(match[1], validate=True)
        except ValueError:
            return match[0]
        kind = _kind(data)
        if not kind or len(data) > MOST_IMAGE:
            return match[0]
        found.append(Image(kind, base64.b64encode(data).decode("ascii"), f"pasted {len(found) + 1}"))
        return f"[{found[-1].name}]"

    return _DATA.sub(take, text), found


def attachment(path: Path, name: str) -> Part:
    """Return a file as a part of a message: a picture as it is, else its text under its name.

    Raises:
        OSError: If it cannot be read, or is too big.
        ValueError: If it is neither a picture that models take nor text.
    """
    data = read_bytes(path.resolve(), MOST_IMAGE)
    kind = _kind(data)
    if kind:
        return Image(kind, base64.b64encode(data).decode("ascii"), name)
    if len(data) > MOST_TEXT:
        raise ValueError(f"it has {len(data):,} bytes; {MOST_TEXT:,} of text are sent at most")
    try:
        words = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("it is neither text nor a PNG, JPEG, GIF or WebP picture") from error
    return Text(f'{ATTACHED}{clean(name)}">\n{words}\n</file>')


def _named(text: str, folder: Path) -> Iterator[tuple[Path, str]]:
    root = folder.resolve()
    for match in _NAMED.finditer(text):
        name = (match[1] or match[2]).rstrip(".,;:!?)")
        path = (root / name).resolve()
        if path.is_relative_to(root) and path.is_file():
            yield path, name
    for match in _PICTURE.finditer(text):
        name = (match[1] or match[2] or match[3]).replace("\\ ", " ")
        path = Path(unquote(name) if match[0].startswith("file://") else name)
        if path.suffix.lower() in _PICTURES and path.is_file():
            yield path, path.name


def _kind(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _KINDS if data.startswith(start)), "")
