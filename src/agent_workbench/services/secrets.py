"""Texts of configs without the secrets that stand in them, to show and to export."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from agent_workbench.configs.edits import unified_diff
from agent_workbench.configs.environment import REFERENCE
from agent_workbench.configs.problems import errors
from agent_workbench.configs.reader import Reading, read, show_path
from agent_workbench.configs.secrets import DOTS, Path, commented_secrets, is_secret_key, literal_secrets, mask_text

#: What looks like a key.
_KEY = re.compile(r"(?P<key>[A-Za-z_][A-Za-z0-9_-]{0,100})[\"']?[ \t]*:[ \t]+")
#: Places of one line that are tried as the beginning of a comment: each costs a look at the rest of the line.
MAX_SIGNS = 100
#: Where a comment may begin.
_COMMENT = re.compile(r"(?:^|(?<=\s))\s*#")


def without_secrets(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a config's text with a reference to the environment in place of each secret, and where they stood.

    A text without literal secrets comes back byte for byte. The secrets of entries that are commented out, and what
    looks like a credential in a comment or in the Markdown body, become dots.
    """
    reading = read(text)
    if errors(reading.problems):
        plain = _guessed(text)
        return plain, ("text that looks like a secret",) if plain != text else ()
    found, commented = _secrets(reading), dict.fromkeys(_commented(reading), DOTS)
    references = {span: _reference(reading, path) for span, path in found.items()}
    plain = mask_text(_spliced(text, commented | references))
    if errors(read(plain).problems):  # `{key: ${NAME}}` is no YAML: in flow style a reference needs quotes
        quoted = {span: f'"{reference}"' for span, reference in references.items()}
        plain = mask_text(_spliced(text, commented | quoted))
    left_out = tuple(show_path(path) for path in found.values())
    return plain, left_out or (("text that looks like a credential",) if plain != text else ())


def masked(text: str) -> str:
    """Return a config's text with every secret as dots, the rest byte for byte."""
    reading = read(text)
    if errors(reading.problems):
        return _guessed(text)
    return mask_text(_spliced(text, dict.fromkeys((*_secrets(reading), *_commented(reading)), DOTS)))


def commented_lines(reading: Reading) -> tuple[int, ...]:
    """Return the line, from 1, of each secret in an entry that is commented out, in order."""
    return tuple(reading.text.count("\n", 0, start) + 1 for start, _ in _commented(reading))


def _guessed(text: str) -> str:
    """Hide what stands behind a secret key in a text that is no YAML, where nobody can say how far a value goes."""

    return mask_text("".join(_hidden(line) for line in text.splitlines(keepends=True)))


def _hidden(line: str) -> str:
    for key in _KEY.finditer(line):
        rest = line[key.end() :]
        kept = rest.rstrip("\r\n")
        if is_secret_key(key["key"]) and REFERENCE.sub("", kept).strip("'\" "):
            return f"{line[: key.end()]}{DOTS}{rest[len(kept) :]}"
    return line


def masked_diff(old: str, new: str, *, name: str = "config") -> str:
    """Return a unified diff of two texts with secrets as dots; empty where they differ in nothing that is shown."""
    return unified_diff(masked(old), masked(new), name=name)


def _secrets(reading: Reading) -> dict[tuple[int, int], Path]:
    """Return the places of the literal secrets, with a path that leads to each."""
    places = ((path, reading.values.get(path)) for path, _ in literal_secrets(reading.data))
    return {(place.start, place.end): path for path, place in places if place is not None}


def _commented(reading: Reading) -> Iterator[tuple[int, int]]:
    """Yield the places of the secrets in entries that are commented out.

    What only looks like a comment, in the Markdown body or in a value, holds none.
    """
    texts = [place for path, place in reading.values.items() if isinstance(_at(reading.data, path), str)]
    begin = reading.start
    for line in reading.text[reading.start : reading.end].splitlines(keepends=True):
        for sign in islice(_COMMENT.finditer(line), MAX_SIGNS):
            found = list(commented_secrets(line[sign.end() - 1 :].rstrip("\r\n")))
            at = begin + sign.end() - 1
            if found and not any(place.start <= at < place.end for place in texts):
                yield from ((at + start, at + end) for start, end in found)
                break
        begin += len(line)


def _at(data: Any, path: Path) -> Any:
    """Return what stands at a path, None where nothing does: a merge key's own path is not in the data."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _spliced(text: str, changes: Mapping[tuple[int, int], str]) -> str:
    for (start, end), new in sorted(changes.items(), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _reference(reading: Reading, path: Path) -> str:
    return f"${{{variable_name(reading, path)}}}"


def variable_name(reading: Reading, path: Path) -> str:
    """Return the environment variable that a secret would be kept in: `ANTHROPIC_API_KEY` for that provider's key."""
    words = [str(part) for part in path if isinstance(part, str) and part not in ("config", "providers", "tools")]
    entry = reading.data
    for part in path:
        entry = entry[part]  # type: ignore[index]
        if isinstance(entry, dict) and isinstance(entry.get("module"), str):
            words = [re.sub(r"^(provider|tool|hooks?)-", "", entry["module"]), *words[-1:]]
            break
    return re.sub(r"[^A-Z0-9]+", "_", "_".join(words).upper()).strip("_") or "SECRET"
