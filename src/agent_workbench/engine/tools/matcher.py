"""Matching a regular expression against files, where need be in a process of its own.

Python's `re` can take forever on a short line, holds the interpreter's lock meanwhile, and cannot be interrupted: a
pattern like `(a+)+$` would freeze every session. So only patterns that cannot do that are matched here; others are
matched by `python -m` this module, which is killed when its time is up. It takes a tenth of a second to start.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from agent_workbench.engine.tools.files import lines_of, read_bytes

MAX_MATCHES = 50_000
"""Matching lines after which a search ends: nobody pages that far."""

MAX_PATTERN = 100
MAX_HERE = 1_000_000
"""Characters of a pattern and bytes of a file that are matched here: together a fifth of a second at most."""

_ESCAPED_OR_OPENING = re.compile(r"\\.|\(\?", re.DOTALL)
_QUANTIFIER = re.compile(r"[*+?{]")
_REPEATED_GROUP = re.compile(r"\)[*+?{]")


def is_tame(pattern: str) -> bool:
    """Whether a pattern takes time in proportion to the text: nothing in it repeats, and one piece may be absent.

    Even a single `.*x` takes the square of a line's length, and there are files of one line with a million characters.
    A pattern may be tried in full at each of them, so its own length counts as well.
    """
    if len(pattern) > MAX_PATTERN:
        return False
    bare = _ESCAPED_OR_OPENING.sub("", pattern)  # `\(*` repeats, though what it repeats is escaped
    multiplied = "|" in bare and bare.count(")") > 1  # each further group of choices multiplies the ways to fail
    return not (multiplied or _REPEATED_GROUP.search(bare)) and _QUANTIFIER.findall(bare) in ([], ["?"])


def text_of(path: Path, limit: int) -> str | None:
    """Return a file's text with `\\n` as its only line end, or None where it has none to search.

    That is a file which is binary, too large, gone, or not regular.
    """
    try:
        content = read_bytes(path, limit)
    except OSError:
        return None
    if b"\0" in content[:8192]:
        return None
    return content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def matching_lines(
    paths: Iterable[Path], pattern: str, *, flags: int, multiline: bool, limit: int
) -> Iterator[tuple[Path, list[int]]]:
    """Yield the files with matches and the indexes of the lines on which they begin.

    Raises:
        re.error: If the pattern is none.
    """
    wanted, total = re.compile(pattern, flags), 0
    for path in paths:
        text = text_of(path, limit)
        if text is None:
            continue
        lines = _over_lines(wanted, text) if multiline else _by_line(wanted, text)
        total += len(lines)
        if lines:
            yield path, lines
        if total >= MAX_MATCHES:
            return


def _by_line(pattern: re.Pattern[str], text: str) -> list[int]:
    found = (index for index, line in enumerate(lines_of(text)) if pattern.search(line))
    return list(islice(found, MAX_MATCHES))


def _over_lines(pattern: re.Pattern[str], text: str) -> list[int]:
    lines: list[int] = []
    line, at = 0, 0
    for found in pattern.finditer(text):
        line, at = line + text.count("\n", at, found.start()), found.start()
        if not lines or lines[-1] != line:
            lines.append(line)
            if len(lines) >= MAX_MATCHES:
                break
    return lines


def command() -> list[str]:
    """Return the command line of the process."""
    return [sys.executable, "-m", "agent_workbench.engine.tools.matcher"]


def work(order: Mapping[str, Any]) -> str:
    """Do what the other process asks: JSON in, one JSON list of (path, lines) out."""
    paths = (Path(path) for path in order["paths"])
    options = {name: order[name] for name in ("flags", "multiline", "limit")}
    return json.dumps([(str(path), lines) for path, lines in matching_lines(paths, order["pattern"], **options)])


if __name__ == "__main__":
    print(work(json.load(sys.stdin)))
