"""A bundle file that a person names to run it: stored as a config, with their word for its texts as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agent_workbench.services.shared import SharedContext
from agent_workbench.services.texts import ConfigText, stored
from agent_workbench.services.trust import Doubt
from agent_workbench.storage.records import Config


async def named(bench: SharedContext, text: ConfigText, agree: Callable[[Sequence[Doubt]], bool]) -> Config:
    """Return the stored config of a text that a person named.

    Of a file, `agree` is asked about what it and the local texts in its folder would do, where nobody vouched for that
    yet. A yes is to exactly these texts: what changes later counts once the file is named again. With a no the config
    runs without what they would do.
    """
    config = await stored(bench.configs, text)
    if text.path is None:
        return config
    plan = await bench.configs.plan_text(text.text, name=text.label, base=text.base or bench.workspace, root=text.root)
    trust = bench.configs.trust
    found = await asyncio.to_thread(trust.named_doubts, plan, config)
    if found and (not any(one.held for one in found) or agree(found)):
        await asyncio.to_thread(trust.trust, found)
    return config
