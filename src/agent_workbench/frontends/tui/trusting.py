"""Trusting the texts of a config: asked for by a command, or at a problem that says what is held back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent_workbench.frontends.tui.screens.trust import TrustTexts
from agent_workbench.services.bundles import base_of, root_of
from agent_workbench.services.shared import SharedContext
from agent_workbench.services.trust import Doubt
from agent_workbench.storage.records import Config

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen


async def doubts_of(shared: SharedContext, config: Config) -> tuple[Doubt, ...]:
    """Return the texts of a config, as it is saved, that are not trusted."""
    base, root = base_of(config, shared.workspace), root_of(config)
    plan = await shared.configs.plan(config, base=base, root=root)
    return await asyncio.to_thread(shared.configs.trust.doubts, plan, config)


async def ask_trust(screen: MainScreen, shared: SharedContext, config: Config) -> None:
    """Show what is held back of a config, as it is saved, and trust it where the person says yes."""
    trust, doubts = shared.configs.trust, await doubts_of(shared, config)
    if not doubts:
        screen.tell(f"Nothing of {config.name} is held back.")
    elif await screen.app.push_screen_wait(TrustTexts(config.name, doubts)):
        await asyncio.to_thread(trust.trust, doubts)
        screen.tell(f"Trusted; sessions of {config.name} take it at their next message.")
        await screen.configs.reread(config.config_id)
        screen.configs.desk.editor.check_now()
