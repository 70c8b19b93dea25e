"""Compaction by hand: a person asks that less of a session is sent from its next request on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.codec import event_to_json
from agent_workbench.conversation.events import Notice
from agent_workbench.conversation.messages import Message
from agent_workbench.engine.context import holding
from agent_workbench.engine.session_config import Compaction, Compacts, SessionConfig
from agent_workbench.errors import UsageError
from agent_workbench.services.settings import compacted
from agent_workbench.services.settings_calls import SettingsCalls


class CompactingCalls(SettingsCalls):
    """The part of the `SessionManager` that makes the next requests of a session smaller."""

    async def compact_session(self, session_id: str, keep: str = "") -> Notice:
        """Send about half of the conversation from the next request on; return what that leaves out, as it is told.

        Old tool results are shortened first, then the oldest exchanges are left out; messages that hold all the words
        of `keep` stay whole. No model is asked, and the stored transcript stays as it is. A running turn takes it at
        its next step; a fork takes it along where it has the messages that this is about.

        Raises:
            NotFound: If there is no such session.
            InvalidBundle: If its config cannot run.
            UsageError: If nothing can be left out, nothing holds the words, or its context manager decides alone.
        """
        config = await self.effective(session_id)
        stored = await asyncio.to_thread(self._store.sessions.messages, session_id)
        wanted = Compaction(len(stored), " ".join(keep.split()))
        notice = await asyncio.to_thread(_looked_at, config, [one.message for one in stored], wanted)
        change = self._store.sessions.change_settings
        await asyncio.to_thread(change, session_id, lambda settings: compacted(settings, wanted))
        key = await asyncio.to_thread(self._store.sessions.note, session_id, "notice", event_to_json(notice))
        self._hub.publish(session_id, notice, key=str(key))
        return notice


def _looked_at(config: SessionConfig, history: Sequence[Message], wanted: Compaction) -> Notice:
    """Return what a compaction would leave out (UsageError where that is nothing)."""
    policy = config.history_policy
    if not isinstance(policy, Compacts):
        raise UsageError("the context manager of this session's config cannot be asked for that; it decides alone")
    kept = holding(history, wanted.keep) if wanted.keep else ()
    words = clean_line(wanted.keep, 60)
    if wanted.keep and not kept:
        raise UsageError(f"no message holds all of “{words}”: name words that stand in what is to be kept")
    before = policy.view(history, system=config.system)
    after = policy.asked((wanted,)).view(history, system=config.system)
    if after.messages == before.messages:
        raise UsageError("nothing more can be left out: the first and the newest words and steps are always sent")
    held = f"; {len(kept)} that hold “{words}” stay whole" if kept else ""
    data = {"compaction": True, "left_out": list(after.left_out), "shortened": list(after.shortened)}
    return Notice(f"{after.dropped}{held}", data=data)
