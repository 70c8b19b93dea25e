"""Saying something to an agent, and following what happens in a session."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import JSONResponse

from agent_workbench.conversation.codec import event_to_json
from agent_workbench.conversation.events import Event
from agent_workbench.errors import SessionBusy, WorkbenchError
from agent_workbench.frontends.server.bodies import MOST, Said
from agent_workbench.frontends.server.failures import CRASHED, refusals, words_of
from agent_workbench.frontends.server.sessions import required
from agent_workbench.frontends.server.state import Bench, Server, TheServer
from agent_workbench.frontends.server.streams import EventStream, line_of, opened
from agent_workbench.services.outcome import Outcome
from agent_workbench.services.shapes import stored_message_to_json
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Session

router = APIRouter(prefix="/sessions/{session_id}", tags=["messages"], responses=refusals(404))

Queue = Annotated[bool, Query(description="Wait for the turn that runs in the session instead of being refused.")]
Present = Annotated[Session, Depends(required)]
#: What a turn that failed is answered with; one that was stopped or reached a limit has an answer.
FAILED = 502
_PLACE = re.compile(r"[0-9]{1,15}")


async def sayable(server: TheServer, session_id: str, body: Said, queue: Queue = False) -> Session:
    """Return the session that something can be said in now; words that are missing count before one that is.

    Raises:
        NotFound: If there is none.
        SessionBusy: If a turn runs in it, without `queue`.
        TooBusy: If no place is free.
    """
    session = await required(server.bench, session_id)
    if session.state == "running" and not queue:
        raise SessionBusy(f"a turn runs in session {session.session_id}; `?queue=true` waits for its end")
    server.running.check()
    return session


Sayable = Annotated[Session, Depends(sayable)]


@router.post("/messages", response_model=None, responses=refusals(409, 429, 502))
async def send(server: TheServer, session: Sayable, body: Said, queue: Queue = False) -> dict[str, Any] | JSONResponse:
    """Say something and return the answer when it is whole.

    `{session_id, response, status, metadata}`; a turn that failed is 502, with the same besides `detail`. A client that
    goes away stops nothing.
    """
    outcome = Outcome()
    async with aclosing(_turn(server, session, body, queue=queue)) as events:
        async for event in events:
            outcome.take(event)
    status = outcome.finished.status
    metadata = outcome.metadata(session.config_id)
    answer = {
        "session_id": session.session_id, "response": outcome.response, "status": status, "metadata": metadata,
    }  # fmt: skip
    return answer if status != "failed" else JSONResponse({"detail": outcome.finished.error, **answer}, FAILED)


@router.post("/stream", response_class=EventStream, status_code=200, responses=refusals(409, 429))
async def stream(server: TheServer, session: Sayable, body: Said, queue: Queue = False) -> EventStream:
    """Say something and stream what happens: `connected`, the events, `response`, and one `done` or `error`.

    A client that goes away cancels the turn.
    """
    return await opened(_told(server, session, body, queue=queue))


@router.get("/events", response_class=EventStream, status_code=200)
async def events(
    bench: Bench,
    session: Present,
    after: Annotated[int, Query(ge=0, le=MOST, description="Begin after the message of this number.")] = 0,
    last_event_id: Annotated[
        str | None, Header(description="The same, as browsers say it when they come back.")
    ] = None,
) -> EventStream:
    """Stream what anybody does in the session, until the client goes away.

    First comes `connected`, then the messages after `after` (for a client that comes back: after `Last-Event-ID`) as
    `message`, and then everything as it happens. The id of an event is the number of the stored message that it tells
    of.
    """
    seen = int(last_event_id) if last_event_id and _PLACE.fullmatch(last_event_id) else after
    return await opened(_followed(bench, session.session_id, seen))


async def _told(server: Server, session: Session, body: Said, *, queue: bool) -> AsyncGenerator[str, None]:
    """Tell of a turn. It has begun when the first line comes, unless it waits in the queue."""
    connected, outcome = line_of({"type": "connected", "session_id": session.session_id}), Outcome()
    has_begun = False
    try:
        if queue:
            has_begun = True
            yield connected
        async with aclosing(_turn(server, session, body, queue=queue)) as events:
            async for event in events:
                if not has_begun:
                    has_begun = True
                    yield connected
                outcome.take(event)
                yield line_of(event_to_json(event))
    except WorkbenchError as error:
        if not has_begun:
            raise
        yield line_of({"type": "error", "message": words_of(error)})
    except Exception:  # a module's fault, or ours: the client's stream has an end, and the log what it was
        if has_begun:
            yield line_of({"type": "error", "message": CRASHED})
        raise
    else:
        yield line_of({"type": "response", "content": outcome.response})
        yield line_of(outcome.ending())


def _turn(server: Server, session: Session, body: Said, *, queue: bool) -> AsyncGenerator[Event, None]:
    return server.running.turn(session, body.message, context=body.context or None, queue=queue)


async def _followed(bench: SharedContext, session_id: str, seen: int) -> AsyncGenerator[str, None]:
    async with aclosing(bench.sessions.follow(session_id)) as following:
        yield line_of({"type": "connected", "session_id": session_id})
        for stored in await bench.sessions.messages(session_id, after=seen):
            seen = stored.seq
            yield line_of({"type": "message", **stored_message_to_json(stored)}, place=seen)
        async for event in following:
            if not 0 < following.seq <= seen:  # else it came between the two, and was told as a message
                seen = max(seen, following.seq)
                yield line_of(event_to_json(event), place=following.seq)
