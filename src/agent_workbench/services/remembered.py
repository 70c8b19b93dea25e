"""What a front end keeps for the next time: small JSON values, each under a key of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from agent_workbench.storage.ports import Store


class Remembered:
    """The values that are remembered in a database, in whichever process they were kept."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def recall(self, key: str, default: Any = None) -> Any:
        """Return what is remembered under a key."""
        return await asyncio.to_thread(self._store.setting, key, default)

    def recall_now(self, key: str, default: Any = None) -> Any:
        """Return what is remembered under a key, for whoever has to know it before an event loop runs."""
        return self._store.setting(key, default)

    async def keep(self, key: str, value: Any) -> None:
        """Keep a JSON value in place of what was remembered under the key."""
        await asyncio.to_thread(self._store.remember, key, value)

    async def change(self, key: str, change: Callable[[Any], Any]) -> None:
        """Keep what a function makes of the value (None where there is none), which nobody else changes meanwhile."""
        await asyncio.to_thread(self._store.change_setting, key, change)
