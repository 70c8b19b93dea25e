"""`POST /v1/chat/completions`: OpenAI's protocol, with an agent as the model.

The agent brings its own instructions, tools and sampling: of a request only the messages count, and fields that would
change those are refused or, where every client sends them (`temperature`), left unused.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, StreamingResponse

from agent_workbench.conversation.events import Event, TextDelta, ToolFinished, ToolStarted, TurnFinished, TurnStarted
from agent_workbench.conversation.messages import Message
from agent_workbench.conversation.usage import Usage
from agent_workbench.errors import NotFound, SessionBusy, WorkbenchError
from agent_workbench.frontends.server.chat_bodies import ChatRequest, instructions_of, message_of
from agent_workbench.frontends.server.failures import openai_error, status_of
from agent_workbench.frontends.server.sessions import VIA
from agent_workbench.frontends.server.state import Bench, Server, TheServer
from agent_workbench.services.outcome import Outcome
from agent_workbench.services.shared import SharedContext
from agent_workbench.services.threads import BETWEEN, continued, spoken
from agent_workbench.storage.records import Session

router = APIRouter(prefix="/v1", tags=["chat"])

#: Why a completion ended, by the turn's status.
REASONS = {"completed": "stop", "limited": "length"}
#: A turn that failed was stored: sent again by the client itself, its question would stand there twice.
NOT_AGAIN = {"x-should-retry": "false"}


@dataclass(frozen=True, slots=True)
class Chat:
    """A request with the session that it goes on with and what is to be said in it."""

    request: ChatRequest
    session: Session
    message: Message
    instructions: str


async def chat_of(bench: Bench, body: ChatRequest) -> Chat:
    """Find the agent, and the session to go on with, else start one that holds what was said before.

    Raises:
        NotFound: If there is no such agent or session.
        InvalidBundle: If the agent cannot run.
        SessionBusy: If a turn runs in the session.
    """
    config = await bench.configs.find_config(body.model)
    *before, last = [message_of(one) for one in body.messages if one.role not in ("system", "developer")]
    if body.session_id:
        session = await bench.sessions.get_session(body.session_id)
        if session is None or session.config_id != config.config_id:
            raise NotFound(f"the agent {body.model} has no session {body.session_id}")
        is_new = not session.message_count
    else:
        user_id = body.user_id or body.user or ""
        found = await continued(bench.sessions, config.config_id, user_id, spoken(before), VIA)
        session = found or await _started(bench, config.config_id, user_id, before)
        is_new = found is None
    if session.state == "running":
        raise SessionBusy(f"a turn runs in session {session.session_id}; send again when it is over")
    return Chat(body, session, last, instructions_of(body) if is_new else "")


@router.post("/chat/completions", response_model=None)
async def complete(
    request: Request, server: TheServer, chat: Annotated[Chat, Depends(chat_of)]
) -> JSONResponse | StreamingResponse:
    """Say the last message to an agent. `X-Session-ID` names the session, to be sent as `session_id` to go on."""
    headers = {"X-Session-ID": chat.session.session_id}
    reply = Reply(chat)
    if chat.request.stream:
        return StreamingResponse(_lines(server, reply), media_type="text/event-stream", headers=headers)
    async for _ in _events(server, reply):
        pass
    finished = reply.outcome.finished
    if finished.status in REASONS:
        return JSONResponse(reply.whole(), headers=headers)
    error = openai_error(finished.error, 502, code=finished.error_kind or finished.status)
    return JSONResponse(error, 502, {**headers, **NOT_AGAIN})


class Reply:
    """An answer as it comes: the replies of a turn, joined, as one message."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.outcome = Outcome()
        self._created = int(time.time())
        self._parts: list[str] = []
        self._is_between = False

    def take(self, event: Event) -> dict[str, Any] | None:
        """Note an event and return the chunk that tells of it, if one does."""
        self.outcome.take(event)
        match event:
            case TurnStarted():
                return self._chunk({"role": "assistant", "content": ""})
            case TextDelta(words) if words:
                words = f"{BETWEEN}{words}" if self._is_between else words
                self._is_between = False
                self._parts.append(words)
                return self._chunk({"content": words})
            case ToolStarted(call):
                return self._chunk({}, tool={"name": call.name, "call_id": call.call_id, "status": "started"})
            case ToolFinished(call, result):
                status = "failed" if result.is_error else "finished"
                self._is_between = bool(self._parts)
                return self._chunk({}, tool={"name": call.name, "call_id": call.call_id, "status": status})
            case _:
                return None

    def whole(self) -> dict[str, Any]:
        """Return the completion."""
        choice = {
            "index": 0, "message": {"role": "assistant", "content": "".join(self._parts)}, "logprobs": None,
            "finish_reason": REASONS[self.outcome.finished.status],
        }  # fmt: skip
        usage = usage_to_openai(self.outcome.finished.usage)
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage}

    def last_chunks(self) -> list[dict[str, Any]]:
        """Return the chunks that end a stream: why it ended, and where it was asked for the usage."""
        finished = self.outcome.finished
        if finished.status not in REASONS:
            return [openai_error(finished.error or finished.status, 502, code=finished.error_kind or finished.status)]
        chunks = [self._chunk({}, finish_reason=REASONS[finished.status])]
        if self.chat.request.includes_usage:
            chunks.append(
                {**self._head("chat.completion.chunk"), "choices": [], "usage": usage_to_openai(finished.usage)}
            )
        return chunks

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice], **more}

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.outcome.started.turn_id}", "object": kind, "created": self._created,
            "model": self.chat.request.model,
        }  # fmt: skip


def usage_to_openai(usage: Usage) -> dict[str, Any]:
    """Return tokens under OpenAI's names; what is unknown counts as none."""
    prompt, completion = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens or 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
    }  # fmt: skip


async def _events(server: Server, reply: Reply) -> AsyncGenerator[dict[str, Any], None]:
    """Run the turn and yield the chunks."""
    chat = reply.chat
    if chat.session.status != "active":
        await server.bench.sessions.resume_session(chat.session.session_id)
    context = {"instructions": chat.instructions} if chat.instructions else None
    turn = server.running.turn(chat.session.session_id, chat.message, context=context)
    async with aclosing(turn) as events:
        async for event in events:
            chunk = reply.take(event)
            if chunk is not None:
                yield chunk
            if isinstance(event, TurnFinished):
                server.metrics.finished(event)


async def _lines(server: Server, reply: Reply) -> AsyncIterator[str]:
    try:
        async with aclosing(_events(server, reply)) as chunks:
            async for chunk in chunks:
                yield _line(chunk)
    except WorkbenchError as error:
        yield _line(openai_error(f"{error.title}: {error}", status_of(error)))
    else:
        for chunk in reply.last_chunks():
            yield _line(chunk)
    yield "data: [DONE]\n\n"


def _line(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


async def _started(bench: SharedContext, config_id: str, user_id: str, before: list[Message]) -> Session:
    return await bench.sessions.create_session(config_id, user_id=user_id, tags=VIA, messages=before)
