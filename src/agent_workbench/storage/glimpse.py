"""A first look into the database, before anything else of the program is loaded.

Reads what the screen shows first with the standard library alone (5 ms, where importing the store takes 40) and writes
nothing. Whatever is not as expected is no glimpse: the store says later what is wrong.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

#: Where the screen remembers what was open, and the tag that puts a config into a folder.
STATE, FOLDER = "tui.state", "folder"
#: Where the screen remembers whether it does without colours, motion or all but text.
CHOICES = "tui.choices"
#: What a config's id stands behind in the key of its unsaved text.
DRAFT = "draft."
#: How many configs and characters are read: more than any screen shows.
MOST_CONFIGS, MOST_TEXT = 200, 100_000


class Glimpse(NamedTuple):
    """What was open last time, as it is stored now."""

    names: Sequence[tuple[str, str, str]]
    """Id, name and folder of each config, the newest first."""
    config_id: str
    """Empty where no config was open: then only the choices say something."""
    revision: int
    text: str
    """The config's text, or the unsaved draft of it, from its beginning."""
    state: Mapping[str, Any]
    """What the screen remembered."""
    choices: Mapping[str, Any] = {}
    """What a person chose for the screen."""


def glimpse(path: Path) -> Glimpse | None:
    """Return what was open when the screen was last left; None where nothing can be read."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)) as connection:
            return _read(connection)
    except (sqlite3.Error, ValueError, TypeError, AttributeError, OSError):
        return None


def _read(connection: sqlite3.Connection) -> Glimpse:
    state = _setting(connection, STATE)
    config_id = state.get("config") or ""
    row = connection.execute(
        f"SELECT revision, substr(yaml_content, 1, {MOST_TEXT}) FROM configs WHERE config_id = ?", (config_id,)
    ).fetchone()
    if row is None:
        return Glimpse((), "", 0, "", state, _setting(connection, CHOICES))
    draft = _setting(connection, DRAFT + config_id).get("text")
    listed = connection.execute(
        f"SELECT config_id, name, tags FROM configs ORDER BY updated_at DESC, number DESC LIMIT {MOST_CONFIGS}"
    )
    names = [(id, name, str(json.loads(tags).get(FOLDER, ""))) for id, name, tags in listed]
    text = draft if isinstance(draft, str) else row[1]
    return Glimpse(names, config_id, row[0], text, state, _setting(connection, CHOICES))


def _setting(connection: sqlite3.Connection, key: str) -> dict[str, Any]:
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    value = json.loads(row[0]) if row else None
    return value if isinstance(value, dict) else {}
