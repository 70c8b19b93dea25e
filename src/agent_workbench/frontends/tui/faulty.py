"""Which of the listed configs have errors, found a few at a time while nothing else is to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import Problem, errors
from agent_workbench.services.bundles import base_of, root_of
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Config, ConfigMetadata

#: How many configs are looked at between two glances at what is typed: some 30 ms.
AT_ONCE = 8
#: An error that the list tells in words of its own.
TOLD_APART = "environment-unset"


def stops(problems: Sequence[Problem]) -> bool:
    """Whether something but a missing key keeps a session from starting."""
    return any(one.code != TOLD_APART for one in errors(problems))


#: How many that were looked at already are compared with their files at a glance: 2 ms.
COMPARED = 40


@dataclass(frozen=True, slots=True)
class _Found:
    """Whether a config has errors, the files and folders that this depends on, and how they were then."""

    wrong: bool
    files: tuple[str, ...]
    stamp: tuple[int, ...]


class Faulty:
    """Remembers what it found for each revision, until a local file that it includes, or its folder, changes."""

    def __init__(self, shared: SharedContext) -> None:
        self._shared = shared
        self._known: dict[tuple[str, int], _Found] = {}
        self._next = 0
        self.is_done = False
        """Whether every listed config was looked at."""

    def has(self, config: ConfigMetadata) -> bool:
        """Whether a session of it would not start; False where nobody looked yet."""
        found = self._known.get((config.config_id, config.revision))
        return found is not None and found.wrong

    async def look(self, configs: Sequence[ConfigMetadata]) -> bool:
        """Look at some that were not looked at yet, or whose files changed; True where a mark comes or goes."""
        waiting = [one for one in configs if (one.config_id, one.revision) not in self._known]
        self.is_done = not waiting
        if not waiting and configs:
            begin = self._next % len(configs)
            self._next = begin + COMPARED if begin + COMPARED < len(configs) else 0
            waiting = await asyncio.to_thread(lambda: list(self._stale(islice(configs, begin, begin + COMPARED))))
        return any([await self._look_at(one) for one in waiting[:AT_ONCE]])

    def _stale(self, configs: Iterable[ConfigMetadata]) -> Iterable[ConfigMetadata]:
        for one in configs:
            found = self._known[one.config_id, one.revision]
            if _stamp(found.files) != found.stamp:
                yield one

    async def _look_at(self, listed: ConfigMetadata) -> bool:
        """Judge a config; whether that differs from what was said of it."""
        before = self.has(listed)
        config = await self._shared.configs.get_config(listed.config_id)
        found = _Found(False, (), ())
        if config is not None:
            found = await asyncio.to_thread(self._judged, config)
        self._known[listed.config_id, listed.revision] = found
        return found.wrong != before

    def _judged(self, config: Config) -> _Found:
        base, root = base_of(config, self._shared.workspace), root_of(config)
        plan = self._shared.bundles.plan(config.yaml_content, name=config.name, base=base, root=root, fetch=False)
        files = _files(plan, base)
        stamp = _stamp(files)  # before it is judged: what changes meanwhile is seen the next time
        problems = self._shared.configs.validate(
            config.yaml_content, name=config.name, fetch=False, owner=config, base=base, root=root
        )
        return _Found(stops(problems), files, stamp)


def _files(plan: Plan, base: Path) -> tuple[str, ...]:
    """Return the local files of a plan; where one is missing, the folder that it may come to."""
    local = [one.place for one in plan.documents if os.path.isabs(one.place)]
    missing = any(one.code.endswith("-missing") for one in plan.problems)
    return (*local, *([str(base)] if missing else ()))


def _stamp(files: Iterable[str]) -> tuple[int, ...]:
    return tuple(map(_changed, files))


def _changed(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0
