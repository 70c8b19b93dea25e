"""Where things live: the database, the caches, and the files that ship with the program."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import platformdirs

APP = "agent-workbench"
#: A folder of more characters is told by its last part.
BRIEF = 40


def data_dir() -> Path:
    """Return the folder of the database (made by whoever writes first)."""
    return Path(platformdirs.user_data_dir(APP, appauthor=False))


def cache_dir() -> Path:
    """Return the folder of what can be fetched again."""
    return Path(platformdirs.user_cache_dir(APP, appauthor=False))


def config_dir() -> Path:
    """Return the folder of the person's own settings, keymap and themes."""
    return Path(platformdirs.user_config_dir(APP, appauthor=False))


def log_dir() -> Path:
    """Return the folder of the logs."""
    return Path(platformdirs.user_log_dir(APP, appauthor=False))


def database_path() -> Path:
    """Return the database to use: `AWB_DB` where set, else the usual place."""
    named = os.environ.get("AWB_DB")
    return Path(named).expanduser() if named else data_dir() / "workbench.db"


_opened: Counter[Path] = Counter()


def brief(folder: Path) -> str:
    """Write a folder as people do: `~` for home, and only the last part of one that is long."""
    home = Path.home()
    told = str(Path("~") / folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)
    return told if len(told) <= BRIEF else f"…/{folder.name}"


def note_opened(database: Path) -> None:
    """Remember a database that this process uses, wherever it is: no agent may touch it."""
    _opened.update({database.absolute(), Path(os.path.realpath(database))})


def note_closed(database: Path) -> None:
    """Forget a database when whoever opened it last has closed it."""
    for path in {database.absolute(), Path(os.path.realpath(database))}:
        _opened[path] = max(0, _opened[path] - 1)


def opened() -> frozenset[Path]:
    """Return the databases that this process uses, each as it was named and as it is."""
    return frozenset(path for path, times in _opened.items() if times > 0)


def shipped(kind: str) -> Path:
    """Return the folder of `themes` or `sample_configs`, installed or in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_data" / kind
    return installed if installed.is_dir() else package.parent.parent / kind
