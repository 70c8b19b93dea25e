"""What a person sets once for all their configs: `settings.yaml` in the folder of the program's settings.

    sources:                       # a URI, its beginning, or a name → a local folder or file
      git+https://github.com/acme/agents@main: ~/src/agents
    trusted: [~/src]               # folders that includes may reach by climbing out of their own
    registered:                    # names for `includes`
      acme: git+https://github.com/acme/agents@main
    offline: false                 # take git and https includes from the cache alone

Relative paths are meant from the folder of the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_workbench import paths
from agent_workbench.configs.problems import Problem, errors
from agent_workbench.configs.reader import Reading, decode, read
from agent_workbench.configs.words import nearest
from agent_workbench.errors import ConfigError

KEYS = ("sources", "trusted", "registered", "offline")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The settings as they are used: paths are absolute."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """A URI, its beginning, or a name → a local folder or file."""
    trusted: tuple[Path, ...] = ()
    """Folders that includes may reach from outside."""
    registered: Mapping[str, str] = field(default_factory=dict)
    """A name → the URI that it stands for."""
    offline: bool = False
    """Whether git and https includes come from the cache alone."""


def preferences_path() -> Path:
    """Return where the settings are."""
    return paths.config_dir() / "settings.yaml"


def load_preferences(path: Path | None = None) -> Preferences:
    """Read the settings; a missing or empty file is as good as none.

    Raises:
        ConfigError: If the file cannot be read, a key is unknown, or a value does not fit; it carries every place.
    """
    where = path or preferences_path()
    try:
        content = where.read_bytes()
    except FileNotFoundError:
        return Preferences()
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror or error}") from error
    reading = read(decode(content, source=str(where)), source=str(where), markdown=False)
    wrong = errors(reading.problems) or tuple(_problems(reading, str(where)))
    if wrong:
        raise ConfigError(str(wrong[0]), wrong)
    return _preferences(reading.data, where.parent)


def _preferences(data: Mapping[str, Any], folder: Path) -> Preferences:
    return Preferences(
        sources={uri: str(_absolute(place, folder)) for uri, place in (data.get("sources") or {}).items()},
        trusted=tuple(_absolute(place, folder) for place in data.get("trusted") or ()),
        registered=dict(data.get("registered") or {}),
        offline=bool(data.get("offline")),
    )


def _absolute(place: str, folder: Path) -> Path:
    return Path(os.path.abspath(folder / Path(place).expanduser()))


def _problems(reading: Reading, source: str) -> Iterator[Problem]:
    for key, value in reading.data.items():
        if key not in KEYS:
            near = nearest(key, KEYS)
            hint = f"did you mean `{near}`?" if near else f"the keys are {', '.join(KEYS)}"
            yield _problem(reading, (key,), f"unknown setting `{key}`", hint, source)
        elif key in ("sources", "registered"):
            yield from _of_texts(reading, key, value, source)
        elif key == "trusted":
            fits = value is None or (isinstance(value, list) and all(isinstance(one, str) and one for one in value))
            if not fits:
                yield _problem(reading, (key,), "`trusted` is a list of folders", "write `trusted: [~/src]`", source)
        elif not isinstance(value, bool | None):
            yield _problem(reading, (key,), "`offline` is true or false", "", source)


def _of_texts(reading: Reading, key: str, value: Any, source: str) -> Iterator[Problem]:
    to = "a folder" if key == "sources" else "a URI"
    if value is not None and not isinstance(value, dict):
        yield _problem(
            reading, (key,), f"`{key}` is a map", f"write each on a line of its own, as `name: {to}`", source
        )
        return
    for name, meant in (value or {}).items():
        if not isinstance(meant, str) or not meant.strip():
            yield _problem(reading, (key, name), f"`{name}` needs {to}, as text", "", source)


def _problem(reading: Reading, path: tuple[str | int, ...], message: str, hint: str, source: str) -> Problem:
    place = reading.keys.get(path)
    line, column = (place.line, place.column) if place else (0, 0)
    return Problem("error", message, line, column, ".".join(map(str, path)), hint, "setting", source)


@dataclass(frozen=True, slots=True)
class Described:
    """One setting in words: its value, and where it comes from (`settings.yaml:3`, or that it is as shipped)."""

    key: str
    value: str
    origin: str


def described(path: Path | None = None) -> tuple[Described, ...]:
    """Return every setting of the file, also where the file is wrong; what it leaves out is as shipped."""
    where = path or preferences_path()
    try:
        reading = read(decode(where.read_bytes(), source=str(where)), source=str(where), markdown=False)
    except (OSError, ConfigError):
        reading = read("", markdown=False)
    return tuple(_described(reading, key, where.name) for key in KEYS)


def _described(reading: Reading, key: str, file: str) -> Described:
    value, place = reading.data.get(key), reading.keys.get((key,))
    if isinstance(value, dict | list):
        said = f"{len(value)}: {', '.join(str(one) for one in value)}" if value else "none"
    elif isinstance(value, bool):
        said = "true" if value else "false"
    else:
        said = "false" if key == "offline" else "none"
    return Described(key, said, f"{file}:{place.line}" if place is not None else "as shipped")
