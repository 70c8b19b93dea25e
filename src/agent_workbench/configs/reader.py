"""Reads the text of a config: its data, its markdown body, the place of every key and value, and what is wrong.

The data is what PyYAML's safe loader would give (that is how bundles are read where they come from); what cannot be one
plain map is a problem with a place. Front matter counts only at the very start of a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_workbench.configs.composer import MAX_CHARACTERS, MAX_LINES, Composer
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.nodes import Lines, Node, Path, Place, Places
from agent_workbench.configs.problems import Problem, errors, worst_first
from agent_workbench.errors import InvalidYAML

__all__ = ["Path", "Place", "Reading", "decode", "load", "read", "show_path"]

_OPENING = re.compile("\ufeff?---[ \t]*(?:\r\n|\n|\r|\\Z)")
_CLOSING = re.compile("^---[ \t]*(?:\r\n|\n|\r(?!\n)|\\Z)", re.MULTILINE)
#: What would be front matter without the blank lines above it.
_LATE = re.compile("\ufeff?(?P<blank>(?:[ \t]*(?:\r\n|\n|\r))+)---[ \t]*(?:\r\n|\n|\r)(?=[A-Za-z_]+:)")
#: What YAML does not allow in a text, lone surrogates included.
_FORBIDDEN = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Reading:
    """A text that was read.

    `data` is empty where there is any error. `body` is the markdown behind the front matter, as it stands. `keys` holds
    where the key of a map's entry is (for a list's entry, the entry itself), `values` where the value is; both
    know what was read before an error too, and follow aliases and merge keys to where the text stands. `start` and
    `end` are the offsets of the YAML in `text`.
    """

    text: str
    data: dict[str, Any]
    body: str
    keys: Mapping[Path, Place]
    values: Mapping[Path, Place]
    problems: tuple[Problem, ...]
    is_markdown: bool
    root: Node | None
    lines: Lines
    start: int
    end: int
    source: str = ""

    def place(self, path: Path) -> Place | None:
        """Return where to look for a path: its value if that is on one line, else its key.

        An unknown path gives the key of the nearest ancestor that is known; None where nothing is.
        """
        for length in range(len(path), -1, -1):
            known = path[:length]
            value = self.values.get(known)
            if value is None:
                continue
            is_word = length == len(path) and value.start < value.end and value.line == value.end_line
            return value if is_word else self.keys[known]
        return None


def read(text: str, *, source: str = "", markdown: bool | None = None) -> Reading:
    """Read a text; what is wrong with it is in `problems`, with places in the whole text.

    `markdown` says whether the YAML is the front matter; None decides by the name in `source` (`.md`,
    `.yaml`, `.yml`), else by the text: an opening `---` on the first line and a closing one.
    """
    start, end, body, is_markdown, problem = _frame(text, source, markdown)
    lines = Lines(text, start, end)
    problem = problem or _unreadable(text, start, end)
    if problem is not None:
        at, code, message, hint = problem
        line, column = Lines(text[:at], 0, at).line_column(at)
        found = Problem("error", message, line, column, hint=hint, code=code, source=source)
        return _reading(text, body, lines, None, (found,), is_markdown, source)
    composer = Composer(text, start, end, lines, source)
    root = composer.run()
    problems = list(composer.problems)
    if root is not None and root.real.kind != "map" and root.value is not None and not errors(problems):
        line, column = lines.line_column(lines.offset(root.start))
        kind = "list" if isinstance(root.value, list) else "single value"
        hint = "start with a key such as `bundle:`"
        problems.append(
            Problem("error", f"the top level is a {kind}, not a map", line, column, "", hint, "yaml-not-a-map", source)
        )
    late = _LATE.match(text) if is_markdown and start == end else None
    if late is not None:  # the whole text is a body then, and what was meant as the bundle part of the prompt
        fix = Edit(late.start("blank"), late["blank"], "", "move it to the top")
        line, column = Lines(text[: late.end()], 0, late.end()).line_column(late.end("blank"))
        message = "front matter counts only at the very start, so this is read as text"
        problems.append(
            Problem(
                "warning", message, line, column, "", "remove what stands above it", "yaml-front-matter", source, fix
            )
        )
    return _reading(text, body, lines, root, worst_first(problems), is_markdown, source)


def load(text: str, *, source: str = "") -> dict[str, Any]:
    """Return the data of a text.

    Raises:
        InvalidYAML: If the text has an error; it carries all problems.
    """
    reading = read(text, source=source)
    wrong = errors(reading.problems)
    if wrong:
        raise InvalidYAML(str(wrong[0]), reading.problems)
    return reading.data


def decode(content: bytes, *, source: str = "") -> str:
    """Return the text of a file's bytes, a byte order mark included.

    Raises:
        InvalidYAML: If they are not UTF-8; the problem names line and column.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line, column = Lines(before, 0, len(before)).line_column(len(before))
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        problem = Problem("error", message, line, column, "", "save it as UTF-8", "yaml-encoding", source)
        raise InvalidYAML(str(problem), (problem,)) from error


def show_path(path: Path) -> str:
    """Return a path as people write it: `tools[1].config.timeout`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


_Wrong = tuple[int, str, str, str]


def _frame(text: str, source: str, markdown: bool | None) -> tuple[int, int, str, bool, _Wrong | None]:
    """Return (start, end) of the YAML, the body, whether it is markdown, and what is wrong with the frame."""
    bom = 1 if text.startswith("\ufeff") else 0
    if markdown is None and source.lower().endswith((".md", ".yaml", ".yml")):
        markdown = source.lower().endswith(".md")
    opening = _OPENING.match(text) if markdown is not False else None
    closing = _CLOSING.search(text, opening.end()) if opening else None
    if opening and closing:
        return opening.end(), closing.start(), text[closing.end() :], True, None
    if markdown and opening:
        wrong = (bom, "yaml-front-matter", "the front matter is not closed", "end it with a line `---`")
        return opening.end(), len(text), "", True, wrong
    if markdown:
        return bom, bom, text[bom:], True, None
    return bom, len(text), "", False, None


def _unreadable(text: str, start: int, end: int) -> _Wrong | None:
    """Return why a text is not handed to the parser at all."""
    if end - start > MAX_CHARACTERS:
        message = f"{end - start:,} characters of YAML, more than {MAX_CHARACTERS:,}"
        return start, "yaml-too-large", message, "split it with `includes`"
    if text.count("\n", start, end) > MAX_LINES:
        return start, "yaml-too-large", f"more than {MAX_LINES:,} lines of YAML", "split it with `includes`"
    found = _FORBIDDEN.search(text, start, end) or _SURROGATE.search(text)
    if found:
        return found.start(), "yaml-character", f"the character U+{ord(found[0]):04X} is not allowed", "remove it"
    return None


def _reading(
    text: str, body: str, lines: Lines, root: Node | None, problems: tuple[Problem, ...], is_markdown: bool, source: str
) -> Reading:
    usable = root is not None and not errors(problems) and isinstance(root.value, dict)
    return Reading(
        text=text,
        data=root.value if usable and root is not None else {},
        body=body,
        keys=Places(root, lines, of_keys=True),
        values=Places(root, lines, of_keys=False),
        problems=problems,
        is_markdown=is_markdown,
        root=root,
        lines=lines,
        start=lines.start,
        end=lines.end,
        source=source,
    )
