"""The composition root: one `SharedContext` per process wires settings, store, agents and managers."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_workbench import paths
from agent_workbench.engine.tools.sharing import Pins
from agent_workbench.engine.wire import Wire
from agent_workbench.errors import CannotWrite
from agent_workbench.plugins import load_catalog
from agent_workbench.services.agents import Agents
from agent_workbench.services.bundles import Bundles
from agent_workbench.services.children import Children
from agent_workbench.services.configs import ConfigManager
from agent_workbench.services.preferences import load_preferences
from agent_workbench.services.recorder import LEASE_S
from agent_workbench.services.remembered import Remembered
from agent_workbench.services.samples import store_samples
from agent_workbench.services.sessions import SessionManager
from agent_workbench.services.sources import Sources
from agent_workbench.services.trust import Trust
from agent_workbench.services.watcher import Changed
from agent_workbench.storage.connector import Connector
from agent_workbench.storage.database import open_store
from agent_workbench.storage.ports import Store


@dataclass(frozen=True)
class SharedContext:
    """What the whole process shares. Made by `open_workbench`; close it when done."""

    store: Store
    bundles: Bundles
    agents: Agents
    configs: ConfigManager
    sessions: SessionManager
    remembered: Remembered
    """What front ends keep for the next time."""
    workspace: Path
    database: Path
    wire: Wire
    """What went to model servers and came back lately."""

    def watch(self) -> AsyncGenerator[Changed, None]:
        """Yield which sessions and configs changed, in this process or another, until closed."""
        return self.sessions.watch()

    async def version(self) -> int:
        """Return a number that changes when anybody has written to the database; asking costs microseconds."""
        return await asyncio.to_thread(self.store.data_version)

    async def back_up(self, target: Path) -> None:
        """Write everything to a file, a whole database that replaces what was there, while others go on writing.

        Raises:
            CannotWrite: If its folder is not there or not open to us.
            StorageError: If the disk is full, or the database cannot be read.
        """
        if not os.access(target.absolute().parent, os.W_OK):
            raise CannotWrite(f"{target}: its folder is not there, or not open to you")
        await asyncio.to_thread(self.store.backup, target)

    async def close(self) -> None:
        """Stop all turns, give back connections, close the database."""
        await self.sessions.close()
        await self.agents.close()
        await asyncio.to_thread(self.store.close)
        paths.note_closed(self.database)


def open_workbench(
    database: Path | None = None,
    *,
    workspace: Path | None = None,
    source_overrides: dict[str, str] | None = None,
    samples: bool = True,
    lease_s: float = LEASE_S,
) -> SharedContext:
    """Open the database (made on first use, with the samples in it) and wire everything to it.

    `source_overrides` map a URI or its prefix to a local folder, over those of the person's settings. The workspace
    is the current folder unless named.

    Raises:
        ConfigError: If the person's settings have an error.
        StorageError: If the database cannot be used.
    """
    folder = (workspace or Path.cwd()).resolve()
    preferences = load_preferences()
    file = (database or paths.database_path()).expanduser().absolute()
    store = open_store(file)
    paths.note_opened(file)
    if samples:
        store_samples(store)
    sources = Sources(
        store.configs,
        overrides={**preferences.sources, **(source_overrides or {})},
        registered=preferences.registered,
        trusted=preferences.trusted,
        offline=preferences.offline,
    )
    bundles = Bundles(sources, load_catalog)
    wire = Wire()
    trust = Trust(store, sources, lambda: bundles.catalog)
    agents = Agents(store.configs, bundles, trust, resources=_resources(store, file, wire))
    sessions = SessionManager(store, agents, workspace=folder, lease_s=lease_s)
    agents.share("spawner", Children(store.sessions, agents, sessions.stream_message))
    return SharedContext(
        store=store,
        bundles=bundles,
        agents=agents,
        configs=ConfigManager(store, bundles, trust, author=_who()),
        sessions=sessions,
        remembered=Remembered(store),
        workspace=folder,
        database=file,
        wire=wire,
    )


def _resources(store: Store, file: Path, wire: Wire) -> dict[str, Any]:
    """Return what modules share, by the names that they ask for."""
    return {
        "wire": wire,
        "memory": store.memory,
        "board": store.board,
        "shared_files": store.shared_files,
        "pins": Pins(store.setting, store.remember),
        "sql": Connector((file, paths.data_dir())),
    }


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user id, as in many containers
        return ""
