"""How the modules' schemas name things, and how people do: fields as they are written, errors in words of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agent_workbench.configs.reader import Path

#: What the schemas' own library calls things, and what people do.
_WORDS = {
    "match pattern": "match the pattern",
    "less than or equal to": "at most",
    "greater than or equal to": "at least",
    "a valid dictionary": "a map",
    "a valid list": "a list",
    "a valid string": "text",
    "a valid integer": "a whole number",
    "a valid boolean": "true or false",
    "a valid number": "a number",
    "unable to parse string as an integer": "not a word",
    "unable to parse string as a number": "not a word",
    "unable to interpret input": "not another word",
}
#: What it says of a map that is told from others by one of its keys.
_TAG = re.compile(r"Input tag ('[^']*') found using ('[^']*') does not match any of the expected tags: (.*)")


@lru_cache(maxsize=256)
def names_of(model: type[BaseModel]) -> Mapping[str, tuple[str, ...]]:
    """Return the names that each field of a model is written as."""
    return {field: tuple(dict.fromkeys(_names(field, info))) for field, info in model.model_fields.items()}


def _names(field: str, info: FieldInfo) -> Iterator[str]:
    yield field
    for alias in (info.alias, info.validation_alias):
        if isinstance(alias, str):
            yield alias
        elif alias is not None:
            yield from (str(choice) for choice in getattr(alias, "choices", ()) if isinstance(choice, str))


def sentence(message: str) -> str:
    """Return what a schema says of a value, in the words of people."""
    said = _TAG.sub(r"\2 is \1, which is none of \3", message.removeprefix("Value error, ").rstrip("."))
    for theirs in ("Input ", "String ", "List ", "Dictionary "):
        said = said.removeprefix(theirs)
    for theirs, ours in _WORDS.items():
        said = said.replace(theirs, ours)
    return said


def written_part(value: Any, loc: Sequence[Any]) -> Path:
    """Keep the parts of an error's location that exist in what was written (unions add parts of their own)."""
    path: list[Any] = []
    for part in loc:
        inner = value_at(value, path)
        if (isinstance(inner, dict) and part in inner) or (isinstance(inner, list) and isinstance(part, int)):
            path.append(part)
    return tuple(path)


def value_at(value: Any, path: Sequence[Any]) -> Any:
    """Return what stands at a path, None where nothing does."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
