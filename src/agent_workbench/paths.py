"""Where things live: the database, the caches, and the files that ship with the program."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "agent-workbench"


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


def shipped(kind: str) -> Path:
    """Return the folder of `themes` or `sample_configs`, installed or in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_data" / kind
    return installed if installed.is_dir() else package.parent.parent / kind
