"""What saving a text changes for the sessions of its config, and when they take it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from agent_workbench.configs.explain import PlanChange, diff_plans
from agent_workbench.configs.words import counted
from agent_workbench.services.bundles import base_of, root_of
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Config, Session

#: How many sessions of a config are looked at.
MOST = 200


@dataclass(frozen=True, slots=True)
class Effect:
    """What a save means. A session takes it at its next message; a turn that runs ends with what it began with."""

    changes: tuple[PlanChange, ...]
    following: tuple[Session, ...]
    """Sessions that take the new revision."""
    pinned: tuple[Session, ...]
    """Sessions that keep to one revision, and do not."""

    @property
    def when(self) -> str:
        """Say in a sentence who takes it and when; empty where no session is there."""
        said = []
        if self.following and not self.changes:
            said.append(f"nothing changes for {_counted(self.following)}")
        elif self.following:
            takes = "takes" if len(self.following) == 1 else "take"
            said.append(f"{_counted(self.following)} {takes} it at the next message")
        if self.pinned:
            keeps = "keeps" if len(self.pinned) == 1 else "keep"
            said.append(f"{_counted(self.pinned)} {keeps} to a pinned revision")
        return "; ".join(said)


def _counted(sessions: tuple[Session, ...]) -> str:
    return counted(len(sessions), "session")


async def effect_of(shared: SharedContext, config: Config, text: str) -> Effect:
    """Return what saving a text in place of a config's would change, as plans; nothing is saved."""
    base, root = base_of(config, shared.workspace), root_of(config)

    def changes() -> tuple[PlanChange, ...]:
        old, new = (
            shared.bundles.plan(one, name=config.name, base=base, root=root, fetch=False)
            for one in (config.yaml_content, text)
        )
        return diff_plans(old, new)

    found, _ = await shared.sessions.list_sessions(MOST, config_id=config.config_id)
    return Effect(
        await asyncio.to_thread(changes),
        tuple(one for one in found if not one.pinned_revision),
        tuple(one for one in found if one.pinned_revision),
    )
