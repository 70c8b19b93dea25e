"""Texts of configs that are not saved yet, kept so that a crash or a closed terminal loses none."""

from __future__ import annotations

from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.glimpse import DRAFT


async def draft_of(bench: SharedContext, config_id: str) -> str | None:
    """Return the unsaved text of a config, None where there is none."""
    kept = await bench.remembered.recall(DRAFT + config_id)
    text = kept.get("text") if isinstance(kept, dict) else None
    return text if isinstance(text, str) else None


async def keep_draft(bench: SharedContext, config_id: str, text: str, *, revision: int) -> None:
    """Keep an unsaved text of a config, and which revision it was written over."""
    await bench.remembered.keep(DRAFT + config_id, {"revision": revision, "text": text})


async def forget_draft(bench: SharedContext, config_id: str) -> None:
    """Forget the unsaved text of a config, where there is one."""
    await bench.remembered.keep(DRAFT + config_id, None)
