"""`POST /v1/chat/completions`: OpenAI's protocol, with an agent as the model.

The agent brings its own instructions, tools and sampling: of a request only the messages count, and fields that would
change those are refused or, where every client sends them (`temperature`), left unused.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from agent_workbench.conversation.events import Event, TextDelta, ToolFinished, ToolStarted, TurnStarted
from agent_workbench.conversation.messages import Message
from agent_workbench.conversation.usage import Usage
from agent_workbench.errors import NotFound, SessionBusy, WorkbenchError
from agent_workbench.frontends.server.chat_bodies import ChatRequest, instructions_of, message_of
from agent_workbench.frontends.server.failures import (
    CRASHED,
    NOT_AGAIN,
    openai_error,
    openai_refusals,
    status_of,
    words_of,
)
from agent_workbench.frontends.server.sessions import VIA
from agent_workbench.frontends.server.state import Server, TheServer
from agent_workbench.frontends.server.streams import EventStream, line_of, opened
from agent_workbench.services.outcome import Outcome
from agent_workbench.services.threads import BETWEEN, continued, spoken
from agent_workbench.storage.records import Session

router = APIRouter(prefix="/v1", tags=["chat"])

#: Why a completion ended, by the turn's status.
REASONS = {"completed": "stop", "limited": "length"}
DONE = "data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Chat:
    """A request as we have it: what was said before, in the client's view, and what is to be said."""

    request: ChatRequest
    config_id: str
    before: tuple[Message, ...]
    last: Message

    @property
    def user_id(self) -> str:
        """Whose conversation it is."""
        return self.request.user_id or self.request.user or ""


async def chat_of(server: TheServer, body: ChatRequest) -> Chat:
    """Read a request and find its agent.

    Raises:
        NotFound: If there is no such agent.
        Ambiguous: If several have that name.
        UsageError: If it holds what an agent cannot be sent.
        TooBusy: If no place is free.
    """
    server.running.check()
    config = await server.bench.configs.find_config(body.model)
    *before, last = [message_of(one) for one in body.messages if one.role not in ("system", "developer")]
    return Chat(body, config.config_id, tuple(before), last)


@router.post("/chat/completions", response_model=None, responses=openai_refusals(404, 409, 429, 502))
async def complete(server: TheServer, chat: Annotated[Chat, Depends(chat_of)]) -> JSONResponse | EventStream:
    """Say the last message to an agent. `X-Session-ID` names the session, to be sent as `session_id` to go on."""
    reply = Reply(chat)
    chunks = _chunks(server, reply)
    if chat.request.stream:
        answer = await opened(_lines(chunks, reply))
        answer.headers["X-Session-ID"] = reply.session_id
        return answer
    async with aclosing(chunks):
        async for _ in chunks:
            pass
    headers, finished = {"X-Session-ID": reply.session_id}, reply.outcome.finished
    if finished.status in REASONS:
        return JSONResponse(reply.whole(), headers=headers)
    return JSONResponse(reply.failure(), 502, {**headers, **NOT_AGAIN})


class Reply:
    """An answer as it comes: the replies of a turn, joined, as one message."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.session_id = ""
        """Known from the first event on."""
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
            return [self.failure()]
        chunks = [self._chunk({}, finish_reason=REASONS[finished.status])]
        if self.chat.request.includes_usage:
            usage = usage_to_openai(finished.usage)
            chunks.append({**self._head("chat.completion.chunk"), "choices": [], "usage": usage})
        return chunks

    def failure(self) -> dict[str, Any]:
        """Return why there is no whole answer."""
        finished = self.outcome.finished
        return openai_error(finished.error or finished.status, 502, code=finished.error_kind or finished.status)

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


async def _chunks(server: Server, reply: Reply) -> AsyncGenerator[dict[str, Any], None]:
    """Run the turn and yield the chunks."""
    async with aclosing(_events(server, reply)) as events:
        async for event in events:
            chunk = reply.take(event)
            if chunk is not None:
                yield chunk


async def _events(server: Server, reply: Reply) -> AsyncGenerator[Event, None]:
    """Begin the turn in its session. One chat of a user finds its session and begins there before the next looks."""
    chat = reply.chat
    async with server.running.order(f"chat {chat.config_id} {chat.user_id}"):
        session, is_new = await _session(server, chat)
        reply.session_id = session.session_id
        instructions = instructions_of(chat.request) if is_new else ""
        context = {"instructions": instructions} if instructions else None
        turn = server.running.turn(session, chat.last, context=context)
        first = await anext(turn)
    async with aclosing(turn):
        yield first
        async for event in turn:
            yield event


async def _session(server: Server, chat: Chat) -> tuple[Session, bool]:
    """Return the session to go on with, else one that holds what was said before; and whether it is at its start.

    Raises:
        NotFound: If there is no such session of the agent.
        SessionBusy: If a turn runs in the session that was named.
        InvalidBundle: If the agent cannot run.
    """
    sessions, named = server.bench.sessions, chat.request.session_id
    if not named:
        found = await continued(sessions, chat.config_id, chat.user_id, spoken(chat.before), VIA)
        if found is not None and found.state != "running":
            return found, False
        made = await sessions.create_session(chat.config_id, user_id=chat.user_id, tags=VIA, messages=chat.before)
        return made, True
    session = await sessions.get_session(named)
    if session is None or session.config_id != chat.config_id:
        raise NotFound(f"the agent {chat.request.model} has no session {named}")
    if session.state == "running":
        raise SessionBusy(f"a turn runs in session {named}; send again when it is over")
    return session, not session.message_count


async def _lines(chunks: AsyncGenerator[dict[str, Any], None], reply: Reply) -> AsyncGenerator[str, None]:
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                yield line_of(chunk)
    except WorkbenchError as error:
        if not reply.outcome.started.turn_id:
            raise
        yield line_of(openai_error(words_of(error), status_of(error)))
    except Exception:  # a module's fault, or ours: the client's stream has an end, and the log what it was
        if reply.outcome.started.turn_id:
            yield line_of(openai_error(CRASHED, 500)) + DONE
        raise
    else:
        for chunk in reply.last_chunks():
            yield line_of(chunk)
    yield DONE
