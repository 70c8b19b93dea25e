"""A database in a folder of its own, with a config and a session to work with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_workbench.storage.database import SQLiteStore, open_store
from agent_workbench.storage.records import Config, Session

YAML = "bundle:\n  name: demo  # kept\nproviders:\n  - module: provider-mock\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "workbench.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    opened = open_store(path)
    yield opened
    opened.close()


@pytest.fixture
def config(store: SQLiteStore) -> Config:
    return store.configs.create("demo", YAML, description="a demo", tags={"team": "red"})


@pytest.fixture
def session(store: SQLiteStore, config: Config) -> Session:
    return store.sessions.create(config.config_id, title="first", workspace="/work/here")


@pytest.fixture
def kills(all_kills: int) -> int:
    """How many processes are killed while they write: four of five, the others in whole turns."""
    return all_kills * 4 // 5
