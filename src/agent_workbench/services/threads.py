"""Conversations of clients that send all that was said each time: finding the session that they go on with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_workbench.conversation.messages import Message, Text
from agent_workbench.services.sessions import SessionManager
from agent_workbench.storage.records import Session

#: How many of a config's newest sessions are looked through for the newest of a user.
LOOKED_AT = 200
#: Between the replies of one turn: what is said before a tool runs and after it are two replies.
BETWEEN = "\n\n"
Spoken = tuple[str, str]
"""A role (`user` or `assistant`) and words."""


def spoken(messages: Iterable[Message]) -> tuple[Spoken, ...]:
    """Return what was said as such a client has it: one entry for each speaker's turn, tools and thoughts left out."""
    found: list[Spoken] = []
    for message in messages:
        words = _words(message)
        if message.role == "tool" or not words:
            continue
        if found and found[-1][0] == message.role:
            found[-1] = (message.role, f"{found[-1][1]}{BETWEEN}{words}")
        else:
            found.append((message.role, words))
    return tuple(found)


async def continued(
    sessions: SessionManager, config_id: str, user_id: str, before: Sequence[Spoken], tags: dict[str, str]
) -> Session | None:
    """Return the user's newest session of a config if exactly `before` was said in it, else None."""
    if not before:
        return None
    found, _ = await sessions.list_sessions(LOOKED_AT, config_id=config_id)
    newest = next((one for one in found if one.user_id == user_id and tags.items() <= dict(one.tags).items()), None)
    if newest is None:
        return None
    said = spoken(stored.message for stored in await sessions.messages(newest.session_id))
    return newest if [_plain(one) for one in said] == [_plain(one) for one in before] else None


def _plain(one: Spoken) -> Spoken:
    """Return it without what clients and models change in passing: spaces and line ends."""
    role, words = one
    return role, " ".join(words.split())


def _words(message: Message) -> str:
    """Return a message's words without the context that was put before them."""
    parts = [part.text for part in message.parts if isinstance(part, Text)]
    if len(parts) > 1 and parts[0].startswith("<context>"):
        parts = parts[1:]
    return "".join(parts).strip()
