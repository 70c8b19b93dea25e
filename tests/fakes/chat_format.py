"""Chat Completions: what OpenAI and the servers that imitate it accept, and how they stream.

Rules: https://platform.openai.com/docs/api-reference/chat and the errors it answers with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent_workbench.conversation.messages import Text, Thinking, ToolCall
from fakes.openai_errors import error, inner
from fakes.script import Reply, require, slices

__all__ = ["check", "error", "stream"]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_STOPS = {"end": "stop", "tool_calls": "tool_calls", "max_tokens": "length", "refusal": "content_filter"}


def check(body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Refuse what the API refuses.

    Raises:
        Refused: With the API's own sentence where it is known.
    """
    require(isinstance(body.get("model"), str) and body["model"], "you must provide a model parameter")
    messages = body.get("messages")
    require(isinstance(messages, list) and messages, "Invalid type for 'messages': expected an array")
    for tool in body.get("tools", []):
        require(_NAME.fullmatch(tool["function"]["name"]), "Invalid 'tools[0].function.name'")
    require(body.get("tools", True), "[] is too short - 'tools'")
    assert isinstance(messages, list)
    for number, message in enumerate(messages):
        _check_message(number, message)
    _check_order(messages)


def _check_message(number: int, message: Mapping[str, Any]) -> None:
    role, content, where = message.get("role"), message.get("content"), f"messages[{number}]"
    require(role in ("system", "developer", "user", "assistant", "tool"), f"Invalid value: '{role}' in {where}")
    if role == "assistant":
        require(
            content or message.get("tool_calls"), f"Invalid value for '{where}.content': expected a string, got null."
        )
        for call in message.get("tool_calls", []):
            require(0 < len(call["id"]) <= 40, f"Invalid '{where}.tool_calls[0].id': string too long.")
            require(_NAME.fullmatch(call["function"]["name"]), f"Invalid '{where}.tool_calls[0].function.name'")
            # Servers that render a chat template decode the arguments and fail where they are no object.
            decoded = json.loads(call["function"]["arguments"])
            require(isinstance(decoded, dict), f"Invalid '{where}.tool_calls[0].function.arguments'")
        require(message.get("tool_calls", True), f"[] is too short - '{where}.tool_calls'")
    elif role == "tool":
        require(isinstance(content, str), f"Invalid '{where}.content': tool messages hold text")
    else:
        require(content, f"Invalid '{where}.content': empty")
        for part in [] if isinstance(content, str) else content or []:
            require(part["type"] in ("text", "image_url"), f"Invalid content type {part['type']!r}")


def _check_order(messages: Sequence[Mapping[str, Any]]) -> None:
    waiting: list[str] = []
    seen: set[str] = set()
    for number, message in enumerate(messages):
        if message["role"] == "tool":
            call_id = message["tool_call_id"]
            sentence = (
                f"messages[{number}] with role 'tool' must be a response to a preceeding message with 'tool_calls'."
            )
            require(call_id in waiting, sentence)
            waiting.remove(call_id)
            continue
        _require_answers(waiting)
        waiting = [call["id"] for call in message.get("tool_calls") or []]
        require(len(set(waiting)) == len(waiting) and not seen & set(waiting), "Duplicate value for 'tool_call_id'")
        seen |= set(waiting)
    _require_answers(waiting)


def _require_answers(waiting: Sequence[str]) -> None:
    require(
        not waiting,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(waiting)}",
    )


def stream(reply: Reply) -> list[bytes]:
    """Return the events of a reply."""
    events = [_event(reply, {"role": "assistant", "content": ""})]
    index = 0
    for part in reply.parts:
        match part:
            case Text(text):
                events += [_event(reply, {"content": piece}) for piece in slices(text, reply.delta)]
            case Thinking(text):
                events += [_event(reply, {"reasoning_content": piece}) for piece in slices(text, reply.delta)]
            case ToolCall(call_id, name, arguments, raw):
                written = json.dumps(dict(arguments), ensure_ascii=False) if raw is None else raw
                first = {"index": index, "id": call_id, "type": "function"}
                events.append(_event(reply, {"tool_calls": [{**first, "function": {"name": name, "arguments": ""}}]}))
                for piece in slices(written, reply.delta):
                    delta = {"index": index, "function": {"arguments": piece}}
                    events.append(_event(reply, {"tool_calls": [delta]}))
                index += 1
            case _:
                raise TypeError(f"a model does not say {part!r}")
    if reply.broken.error:
        return [*events, b"data: " + json.dumps({"error": inner(reply.broken.error)}).encode() + b"\n\n"]
    events.append(_event(reply, {}, _STOPS.get(reply.stop, "stop")))
    if reply.tokens is not None:
        events.append(_data({**_shape(reply), "choices": [], "usage": _usage(reply)}))
    return [*events, b"data: [DONE]\n\n"]


def _shape(reply: Reply) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1, "model": reply.model}


def _event(reply: Reply, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    return _data({**_shape(reply), "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _data(body: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def _usage(reply: Reply) -> dict[str, Any]:
    tokens = reply.tokens
    assert tokens is not None
    return {
        "prompt_tokens": tokens.input_tokens, "completion_tokens": tokens.output_tokens,
        "total_tokens": (tokens.input_tokens or 0) + (tokens.output_tokens or 0),
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read_tokens},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning_tokens},
    }  # fmt: skip
