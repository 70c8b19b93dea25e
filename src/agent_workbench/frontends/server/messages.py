"""Saying something to an agent, and following what happens in a session."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from agent_workbench.conversation.codec import event_to_json
from agent_workbench.conversation.events import Event
from agent_workbench.errors import SessionBusy, WorkbenchError
from agent_workbench.frontends.server.bodies import Said
from agent_workbench.frontends.server.sessions import required
from agent_workbench.frontends.server.state import Bench, Server, TheServer
from agent_workbench.services.outcome import Outcome
from agent_workbench.services.shapes import stored_message_to_json
from agent_workbench.storage.records import Session

router = APIRouter(prefix="/sessions/{session_id}", tags=["messages"])

Queue = Annotated[bool, Query(description="Wait for the turn that runs in the session instead of being refused.")]
Present = Annotated[Session, Depends(required)]
#: What a turn that failed is answered with; one that was stopped or reached a limit has an answer.
FAILED = 502


async def sayable(bench: Bench, session_id: str, body: Said, queue: Queue = False) -> Session:
    """Return the session that something can be said in now; a stream that has begun cannot be refused any more.

    Raises:
        NotFound: If there is none; words that are missing count before that.
        SessionBusy: If a turn runs in it, without `queue`.
    """
    session = await required(bench, session_id)
    if session.state == "running" and not queue:
        raise SessionBusy(f"a turn runs in session {session.session_id}; `?queue=true` waits for its end")
    return session


Sayable = Annotated[Session, Depends(sayable)]


@router.post("/messages", response_model=None)
async def send(server: TheServer, session: Sayable, body: Said, queue: Queue = False) -> dict[str, Any] | JSONResponse:
    """Say something and return the answer when it is whole."""
    outcome = Outcome()
    async for _ in said(server, session, body, outcome, queue=queue):
        pass
    status = outcome.finished.status
    metadata = outcome.metadata(session.config_id)
    answer = {
        "session_id": session.session_id, "response": outcome.response, "status": status, "metadata": metadata,
    }  # fmt: skip
    return answer if status != "failed" else JSONResponse({"detail": outcome.finished.error, **answer}, FAILED)


@router.post("/stream", response_class=EventSourceResponse)
async def stream(server: TheServer, session: Sayable, body: Said, queue: Queue = False) -> AsyncIterator[Any]:
    """Say something and stream what happens: `connected`, the events, `response`, and one `done` or `error`.

    A client that goes away cancels the turn.
    """
    yield {"type": "connected", "session_id": session.session_id}
    outcome = Outcome()
    try:
        async with aclosing(said(server, session, body, outcome, queue=queue)) as events:
            async for event in events:
                yield event_to_json(event)
    except WorkbenchError as error:
        yield {"type": "error", "message": f"{error.title}: {error}"}
        return
    yield {"type": "response", "content": outcome.response}
    yield outcome.ending()


@router.get("/events", response_class=EventSourceResponse)
async def events(
    bench: Bench,
    session: Present,
    after: Annotated[int, Query(ge=0, description="Begin after the message of this number.")] = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Stream what anybody does in the session, until the client goes away.

    First come the messages after `after` (for a client that comes back: after `Last-Event-ID`) as `message`; then
    everything as it happens. The id of an event is the number of the stored message that it tells of.
    """
    seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after
    async with aclosing(bench.sessions.follow(session.session_id)) as following:
        for stored in await bench.sessions.messages(session.session_id, after=seen):
            seen = stored.seq
            yield ServerSentEvent(data={"type": "message", **stored_message_to_json(stored)}, id=str(seen))
        async for event in following:
            if not 0 < following.seq <= seen:  # else it came between the two, and was told as a message
                seen = max(seen, following.seq)
                place = str(following.seq) if following.seq else None
                yield ServerSentEvent(data=event_to_json(event), id=place)


async def said(
    server: Server, session: Session, body: Said, outcome: Outcome, *, queue: bool
) -> AsyncGenerator[Event, None]:
    """Run a turn for a client and yield its events, gathered in the outcome and counted."""
    if session.status != "active":  # closed when it was idle, or by hand: what is said goes on with it
        await server.bench.sessions.resume_session(session.session_id)
    running = server.running.turn(session.session_id, body.message, context=body.context or None, queue=queue)
    async with aclosing(running) as happening:
        async for event in happening:
            outcome.take(event)
            yield event
    server.metrics.finished(outcome.finished)
