"""`/sessions`: conversations with the agents that configs describe."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from agent_workbench.conversation.codec import event_to_json
from agent_workbench.conversation.events import Answer, ApprovalRequired, Question
from agent_workbench.errors import NotFound, UsageError
from agent_workbench.frontends.server.bodies import (
    Decided,
    Fork,
    Limit,
    Line,
    NewSession,
    Offset,
    Search,
    SessionChange,
)
from agent_workbench.frontends.server.failures import refusals
from agent_workbench.frontends.server.state import Bench
from agent_workbench.services.shapes import session_to_json, stored_message_to_json, turn_to_json
from agent_workbench.services.transcripts import end_of_turn
from agent_workbench.storage.records import Session

router = APIRouter(prefix="/sessions", tags=["sessions"])
one = APIRouter(prefix="/{session_id}", responses=refusals(404))

Status = Literal["", "active", "completed", "failed", "cancelled"]
#: Marks the sessions that a client of the server began: they may be closed when idle.
VIA = {"via": "http"}


@router.post("", status_code=201, responses=refusals(404))
async def create(bench: Bench, body: NewSession) -> dict[str, Any]:
    """Start a session of a config. No provider is contacted; a config that cannot run is refused with its problems."""
    made = await bench.sessions.create_session(
        body.config_id, title=body.title, user_id=body.user_id, tags={**body.tags, **VIA}
    )
    return {**session_to_json(made), "message": f"started a session of {made.config_name}"}


@router.get("")
async def listed(
    bench: Bench, limit: Limit = 50, offset: Offset = 0, config_id: Line = "", status: Status = "", q: Search = ""
) -> dict[str, Any]:
    """List sessions, newest first; `q` searches titles and all that was said."""
    found, total = await bench.sessions.list_sessions(limit, offset, config_id=config_id, status=status, q=q)
    return {"sessions": [session_to_json(one) for one in found], "total": total}


@one.get("")
async def get(
    bench: Bench,
    session_id: str,
    transcript: Annotated[bool, Query(description="With its messages and turns.")] = False,
) -> dict[str, Any]:
    """Return a session; never a secret of its config."""
    shape = session_to_json(await required(bench, session_id))
    if transcript:
        shape["messages"] = [stored_message_to_json(one) for one in await bench.sessions.messages(session_id)]
        shape["turns"] = [turn_to_json(one) for one in await bench.sessions.turns(session_id)]
    return shape


@one.patch("")
async def change(bench: Bench, session_id: str, body: SessionChange) -> dict[str, Any]:
    """Change its title, or what it runs with from the next step on."""
    given = body.model_dump(exclude_unset=True)
    title = given.pop("title", None)
    session = await required(bench, session_id)
    if given:
        session = await bench.sessions.change_settings(session_id, **given)
    if title is not None:
        session = await bench.sessions.update_session(session_id, title=title)
    return session_to_json(session)


@one.delete("")
async def delete(bench: Bench, session_id: str) -> dict[str, Any]:
    """Stop a session and delete it with all that was said."""
    if not await bench.sessions.delete_session(session_id):
        raise _unknown(session_id)
    return {"message": f"deleted {session_id}"}


@one.post("/resume")
async def resume(bench: Bench, session_id: str) -> dict[str, Any]:
    """Make a closed session active; its next message goes on from its history."""
    session = await bench.sessions.resume_session(session_id)
    if session is None:
        raise _unknown(session_id)
    return session_to_json(session)


@one.post("/cancel")
async def cancel(bench: Bench, session_id: str) -> dict[str, Any]:
    """Stop the turn that this server runs in the session; `cancelled` says whether there was one."""
    await required(bench, session_id)
    return {"session_id": session_id, "cancelled": await bench.sessions.cancel(session_id)}


@one.post("/fork", status_code=201)
async def fork(bench: Bench, session_id: str, body: Fork | None = None) -> dict[str, Any]:
    """Start a new session with what was said in this one, to its end or that of a turn."""
    at = body.at_turn if body else None
    up_to = await end_of_turn(bench.sessions, session_id, at) if at is not None else None
    return session_to_json(await bench.sessions.fork_session(session_id, up_to=up_to))


@one.get("/approvals")
async def approvals(bench: Bench, session_id: str) -> dict[str, Any]:
    """List the permission questions that wait for an answer, oldest first."""
    await required(bench, session_id)
    return {"approvals": [question_to_json(one) for one in bench.sessions.questions(session_id)]}


@one.post("/approvals/{question_id}")
async def decide(bench: Bench, session_id: str, question_id: str, body: Decided) -> dict[str, Any]:
    """Answer a permission question. `allow_always` also adds its rules to the config, as its newest revision."""
    question = next((one for one in bench.sessions.questions(session_id) if one.id == question_id), None)
    if question is None:
        raise NotFound(f"no question {question_id} waits in session {session_id}; it may have been answered")
    if body.decision not in ("deny", *question.scopes):
        offered = ", ".join((*question.scopes, "deny"))
        raise UsageError(f"this question can be answered with {offered}")
    if not bench.sessions.answer(session_id, question_id, Answer(body.decision, body.reason)):
        raise NotFound(f"no question {question_id} waits in session {session_id}; it has just been answered")
    if body.decision == "allow_always":
        await bench.sessions.apply_grant(*await bench.sessions.propose_grant(session_id, question.rules))
    return {"session_id": session_id, "question_id": question_id, "decision": body.decision}


router.include_router(one)


async def required(bench: Bench, session_id: str) -> Session:
    """Return a session (NotFound where there is none)."""
    session = await bench.sessions.get_session(session_id)
    if session is None:
        raise _unknown(session_id)
    return session


def question_to_json(question: Question) -> dict[str, Any]:
    """Return a question with the `id` that it is answered by."""
    shape: dict[str, Any] = event_to_json(ApprovalRequired(question))["question"]
    return shape


def _unknown(session_id: str) -> NotFound:
    return NotFound(f"there is no session {session_id}")
