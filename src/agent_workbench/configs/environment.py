"""Environment references in a config: `${VAR}` and `${VAR:default}`.

They are found everywhere, shown as set or not set, and expanded at one moment only: when a session is mounted.
What is stored, shown, logged, exported or returned keeps the reference. A default may contain `:`; it ends at the
first `}`. A variable that is set to an empty string is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Reference:
    """One `${…}` in a string. `default` is None where there is none (`${X:}` has an empty one)."""

    name: str
    default: str | None
    path: tuple[str | int, ...] = ()

    def status(self, env: Mapping[str, str]) -> str:
        """Return `set`, `default` or `unset`; never the value."""
        if self.name in env:
            return "set"
        return "unset" if self.default is None else "default"


def references(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Reference]:
    """Yield the references in every string of a value, in order, with the path of the string."""
    if isinstance(value, str):
        for match in REFERENCE.finditer(value):
            yield Reference(match[1], match[2], path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from references(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from references(item, (*path, index))


def expand(value: Any, env: Mapping[str, str]) -> tuple[Any, tuple[str, ...]]:
    """Return the value with its references replaced, and the names that are unset and have no default.

    Expanded text is not looked at again, so a variable's value cannot smuggle in another reference. A reference that
    cannot be expanded stays as it is written. Keys are never expanded. The value itself is not changed.
    """
    missing: dict[str, None] = {}
    expanded = _expand(value, env, missing)
    return expanded, tuple(missing)


def _expand(value: Any, env: Mapping[str, str], missing: dict[str, None]) -> Any:
    def put(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name in env:
            return env[name]
        if default is not None:
            return str(default)
        missing[name] = None
        return match[0]

    if isinstance(value, str):
        return REFERENCE.sub(put, value)
    if isinstance(value, Mapping):
        return {key: _expand(item, env, missing) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_expand(item, env, missing) for item in value]
    return value
