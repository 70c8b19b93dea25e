"""Which of the listed configs have errors, found a few at a time while nothing else is to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agent_workbench.configs.problems import Problem, errors
from agent_workbench.services.bundles import base_of, root_of
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import ConfigMetadata

#: How many configs are looked at between two glances at what is typed: some 30 ms.
AT_ONCE = 8
#: An error that the list tells in words of its own.
TOLD_APART = "environment-unset"


def stops(problems: Sequence[Problem]) -> bool:
    """Whether something but a missing key keeps a session from starting."""
    return any(one.code != TOLD_APART for one in errors(problems))


class Faulty:
    """Remembers what it found for each revision. What an include brings is judged as it was then."""

    def __init__(self, shared: SharedContext) -> None:
        self._shared = shared
        self._known: dict[tuple[str, int], bool] = {}
        self._done: Sequence[ConfigMetadata] = ()

    def has(self, config: ConfigMetadata) -> bool:
        """Whether a session of it would not start; False where nobody looked yet."""
        return self._known.get((config.config_id, config.revision), False)

    async def look(self, configs: Sequence[ConfigMetadata]) -> bool:
        """Look at some that were not looked at yet; True where one of them has errors."""
        if configs is self._done:
            return False
        waiting = [one for one in configs if (one.config_id, one.revision) not in self._known][:AT_ONCE]
        if not waiting:
            self._done = configs
        return any([await self._look_at(one) for one in waiting])

    async def _look_at(self, listed: ConfigMetadata) -> bool:
        config = await self._shared.configs.get_config(listed.config_id)
        wrong = False
        if config is not None:
            found = await asyncio.to_thread(
                self._shared.configs.validate, config.yaml_content, name=config.name, fetch=False, owner=config,
                base=base_of(config, self._shared.workspace), root=root_of(config),
            )  # fmt: skip
            wrong = stops(found)
        self._known[listed.config_id, listed.revision] = wrong
        return wrong
