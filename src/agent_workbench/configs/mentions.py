"""`@` mentions in a text: which files it asks for.

Fenced blocks and code in backticks mention nothing, nor do e-mail addresses. The rules are those of the
original's mention parser, with fences of `~~~` and indented ones read as fences too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_FENCE = re.compile(r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ ]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)", re.S | re.M)
_CODE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)[^`]+?(?<!`)(?P=ticks)(?!`)")
#: One mention, wherever it stands.
MENTION = re.compile(r"(?<![\w@.`/+-])@(?P<reference>[A-Za-z0-9_./~][A-Za-z0-9_./:~-]*)")
_NAMESPACED = re.compile(r"(?P<namespace>[A-Za-z0-9_][A-Za-z0-9_.-]*):(?!//)(?P<path>.*)", re.S)
_FILE = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention. `line` counts from 0 within the text; not `sure` is what may name a person (`@kim`)."""

    reference: str
    line: int
    sure: bool


@lru_cache(maxsize=512)
def mentions(text: str) -> tuple[Mention, ...]:
    """Return the mentions of a text in order, each reference once."""
    if "@" not in text:
        return ()
    visible = _CODE.sub(_blank, _FENCE.sub(_blank, text))
    found: dict[str, Mention] = {}
    for match in MENTION.finditer(visible):
        reference = match["reference"].rstrip(".:,-")
        if reference and not reference.endswith("/") and reference not in found:
            line = visible.count("\n", 0, match.start())
            found[reference] = Mention(reference, line, is_sure(reference))
    return tuple(found.values())


def split_namespace(reference: str) -> tuple[str, str]:
    """Return (namespace, path); the namespace is empty where there is none. URIs have none."""
    match = _NAMESPACED.fullmatch(reference)
    if match is None or match["namespace"] in ("config", "file") or reference.startswith("git+"):
        return "", reference
    return match["namespace"], match["path"]


def is_sure(reference: str) -> bool:
    """Whether a mention can only mean a file: it has a namespace, or ends like a file."""
    return bool(split_namespace(reference)[0]) or _FILE.search(reference) is not None


def _blank(match: re.Match[str]) -> str:
    """Keep the lines, so that places stay right."""
    return re.sub(r"[^\n]", " ", match[0])
