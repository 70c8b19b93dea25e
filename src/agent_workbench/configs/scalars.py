"""What an unquoted word of YAML means: to YAML 1.1 (which bundles are read with) and to YAML 1.2.

The program that bundles come from reads them with PyYAML, so PyYAML's YAML 1.1 is the meaning everywhere
(`on` is true, `010` is 8, `12:30` is 750). Other tools follow 1.2, where those are text, 10 and text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
#: Longer numbers are refused: Python stops at 4,300 digits, and `1:1:1:…` costs quadratic time long before.
MAX_NUMBER = 400

_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers
_SAFE = yaml.constructor.SafeConstructor()
_CONSTRUCT = {
    f"{TAG}null": _SAFE.construct_yaml_null,
    f"{TAG}bool": _SAFE.construct_yaml_bool,
    f"{TAG}int": _SAFE.construct_yaml_int,
    f"{TAG}float": _SAFE.construct_yaml_float,
    f"{TAG}timestamp": _SAFE.construct_yaml_timestamp,
    f"{TAG}str": _SAFE.construct_yaml_str,
}
_NUMERIC = re.compile(r"[-+0-9a-fA-F_:.xo]+")
_CORE_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_CORE_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_CORE_INT = re.compile(r"[-+]?[0-9]+\Z")
_CORE_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_CORE_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_CORE_SPECIAL = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


class BadScalar(ValueError):
    """A word that looks like a number or a date and is none; `str(error)` says why."""


def tag_of(word: str) -> str:
    """Return the tag that YAML 1.1 gives an unquoted word."""
    for tag, pattern in _RESOLVERS.get(word[:1], ()):
        if pattern.match(word):
            return tag
    return f"{TAG}str"


def construct(tag: str, word: str) -> Any:
    """Return the value of a word with a tag, exactly as PyYAML's safe loader would.

    Raises:
        BadScalar: If the tag is not one of plain data, or the word does not fit it.
    """
    make = _CONSTRUCT.get(tag)
    if make is None:
        raise BadScalar(f"`{word[:40]}` has a special meaning in YAML 1.1")
    if len(word) > MAX_NUMBER and tag in (f"{TAG}int", f"{TAG}float"):
        raise BadScalar(f"a number of {len(word):,} characters")
    try:
        return make(yaml.ScalarNode(tag, word))
    except (ValueError, KeyError, IndexError, AttributeError, OverflowError, yaml.YAMLError) as error:
        raise BadScalar(f"`{word[:40]}` is not a valid {tag.removeprefix(TAG)}") from error


def meaning(word: str) -> Any:
    """Return what YAML 1.1 reads in an unquoted word.

    Raises:
        BadScalar: If it cannot be read (`2024-13-45`, a lone `=`, a number of thousands of digits).
    """
    return word if word[:1] not in _RESOLVERS else _meaning(word)


@lru_cache(maxsize=4096)
def _meaning(word: str) -> Any:
    if len(word) > MAX_NUMBER:
        if _NUMERIC.fullmatch(word):
            raise BadScalar(f"a number of {len(word):,} characters")
        return word
    tag = tag_of(word)
    return word if tag == f"{TAG}str" else construct(tag, word)


def core_meaning(word: str) -> Any:
    """Return what YAML 1.2 (core schema) reads in an unquoted word."""
    return word if len(word) > MAX_NUMBER else _core_meaning(word)


@lru_cache(maxsize=4096)
def _core_meaning(word: str) -> Any:
    if word in _CORE_NULL:
        return None
    if word in _CORE_BOOL:
        return _CORE_BOOL[word]
    if _CORE_INT.match(word):
        return int(word)
    if _CORE_BASED.match(word):
        return int(word, 0)
    if _CORE_FLOAT.match(word):
        return float(word)
    if _CORE_SPECIAL.match(word):
        return float(word.replace(".", "", 1))
    return word


def differs(word: str) -> bool:
    """Tell whether YAML 1.1 and 1.2 read different things in an unquoted word that both can read."""
    return word[:1] in _RESOLVERS and len(word) <= MAX_NUMBER and _differs(word)


@lru_cache(maxsize=4096)
def _differs(word: str) -> bool:
    old, new = meaning(word), core_meaning(word)
    return type(old) is not type(new) or (old != new and old == old)
