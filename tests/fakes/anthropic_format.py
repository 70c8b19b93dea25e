"""Anthropic Messages: what the API accepts, and how it streams.

Rules: https://platform.claude.com/docs/en/api/messages and the errors it answers with.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent_workbench.conversation.messages import Text, Thinking, ToolCall
from fakes.script import ErrorName, Reply, require, slices

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_MEDIA = ("image/jpeg", "image/png", "image/gif", "image/webp")
_STOPS = {
    "end": "end_turn", "tool_calls": "tool_use", "max_tokens": "max_tokens", "refusal": "refusal", "pause": "pause_turn"
}  # fmt: skip
_ERRORS: Mapping[ErrorName, tuple[str, str]] = {
    "auth": ("authentication_error", "invalid x-api-key"),
    "forbidden": ("permission_error", "Your API key does not have permission to use the specified resource."),
    "quota": ("billing_error", "Your credit balance is too low to access the Anthropic API."),
    "rate_limit": ("rate_limit_error", "This request would exceed your organization's rate limit."),
    "model": ("not_found_error", "model: claude-nothing"),
    "invalid": ("invalid_request_error", "invalid request"),
    "context": ("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    "too_large": ("request_too_large", "Request exceeds the maximum size"),
    "server": ("api_error", "Internal server error"),
    "overloaded": ("overloaded_error", "Overloaded"),
}


def sign(thought: str) -> str:
    """Return the signature that belongs to a thought."""
    return "sig-" + hashlib.sha256(thought.encode()).hexdigest()[:24]


def listing(models: Sequence[str]) -> dict[str, Any]:
    """Return what `/v1/models` answers."""
    rows = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z", "lifecycle": "active"}
        for name in models
    ]
    return {"data": rows, "has_more": False, "first_id": models[0], "last_id": models[-1]}


def error(name: ErrorName, message: str = "") -> bytes:
    """Return an error body."""
    kind, usual = _ERRORS[name]
    shape = {"type": "error", "error": {"type": kind, "message": message or usual}, "request_id": "req_fake"}
    return json.dumps(shape).encode()


def check(body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Refuse what the API refuses.

    Raises:
        Refused: With the API's own sentence where it is known.
    """
    require("anthropic-version" in headers, "anthropic-version: header is required")
    require(isinstance(body.get("model"), str) and body["model"], "model: Field required")
    limit = body.get("max_tokens")
    require(isinstance(limit, int) and limit > 0, "max_tokens: Field required")
    _check_tools(body)
    _check_thinking(body)
    _check_caching(body)
    messages = body.get("messages")
    require(isinstance(messages, list) and messages, "messages: at least one message is required")
    assert isinstance(messages, list)
    turns = _merged(messages)
    require(turns[0][0] == "user", "messages: first message must use the `user` role")
    require(turns[-1][0] == "user", "This model does not support assistant message prefill.")
    seen: set[str] = set()
    for number, (role, blocks) in enumerate(turns):
        _check_blocks(number, role, blocks, seen)
        following = turns[number + 1][1] if number + 1 < len(turns) else []
        _check_pairs(number, role, blocks, following, turns[number - 1][1] if number else [])
    _check_open_loop(body, turns)


def _merged(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    turns: list[tuple[str, list[dict[str, Any]]]] = []
    for number, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        require(role in ("user", "assistant"), f"messages.{number}.role: Input should be 'user' or 'assistant'")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        require(isinstance(blocks, list) and blocks, f"messages.{number}: all messages must have non-empty content")
        assert isinstance(role, str)
        assert isinstance(blocks, list)
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, list(blocks)))
    return turns


def _check_blocks(number: int, role: str, blocks: Sequence[Mapping[str, Any]], seen: set[str]) -> None:
    for at, block in enumerate(blocks):
        where, kind = f"messages.{number}.content.{at}", block.get("type")
        match kind:
            case "text":
                require(str(block["text"]).strip(), f"{where}: text content blocks must contain non-whitespace text")
            case "image":
                require(role == "user", f"{where}: image blocks are only allowed in user messages")
                require(block["source"]["media_type"] in _MEDIA, f"{where}.source.media_type: invalid")
            case "tool_use":
                require(role == "assistant", f"{where}: `tool_use` blocks can only be in `assistant` messages")
                require(_ID.fullmatch(block["id"]), f"{where}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
                require(_NAME.fullmatch(block["name"]), f"{where}.name: String should match pattern")
                require(isinstance(block["input"], dict), f"{where}.input: Input should be a valid dictionary")
                require(block["id"] not in seen, f"{where}: `tool_use` ids must be unique")
                seen.add(block["id"])
            case "tool_result":
                require(role == "user", f"{where}: `tool_result` blocks can only be in `user` messages")
            case "thinking":
                require(role == "assistant", f"{where}: thinking can only be in `assistant` messages")
                genuine = block["signature"] == sign(block["thinking"]) or not block["thinking"]
                require(genuine, f"{where}: Invalid `signature` in `thinking` block")
            case "redacted_thinking":
                require(block["data"].startswith("redacted-"), f"{where}: Invalid `data` in `redacted_thinking` block")
            case _:
                require(False, f"{where}: Input tag {kind!r} found")
    if role == "assistant":
        last = blocks[-1]["type"]
        require(
            "thinking" not in last, f"messages.{number}: The final block in an assistant message cannot be `{last}`"
        )


def _check_pairs(
    number: int, role: str, blocks: Sequence[Mapping[str, Any]], following: Sequence[Mapping[str, Any]],
    previous: Sequence[Mapping[str, Any]],
) -> None:  # fmt: skip
    if role == "assistant":
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"]
        answered = [block["tool_use_id"] for block in following if block["type"] == "tool_result"]
        missing = [name for name in asked if name not in answered]
        require(
            not missing,
            f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            + ", ".join(missing),
        )
        return
    known = {block["id"] for block in previous if block["type"] == "tool_use"}
    results = [at for at, block in enumerate(blocks) if block["type"] == "tool_result"]
    ids = [blocks[at]["tool_use_id"] for at in results]
    require(len(ids) == len(set(ids)), f"messages.{number}: each tool_use must have a single result")
    strangers = [name for name in ids if name not in known]
    require(not strangers, f"messages.{number}: unexpected `tool_use_id` found in `tool_result` blocks: {strangers}")
    require(results == list(range(len(results))), f"messages.{number}: tool_result blocks must come first")


def _check_tools(body: Mapping[str, Any]) -> None:
    tools = body.get("tools", [])
    names = [tool["name"] for tool in tools]
    require(len(names) == len(set(names)), "tools: Tool names must be unique.")
    for tool in tools:
        require(_NAME.fullmatch(tool["name"]), "tools.0.custom.name: String should match pattern")
        require(tool["input_schema"].get("type") == "object", "tools.0.custom.input_schema.type: Field required")
    uses = '"tool_use"' in json.dumps(body.get("messages"))
    require(tools or not uses, "Requests which include `tool_use` or `tool_result` blocks must define tools.")


def _check_thinking(body: Mapping[str, Any]) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        budget = thinking["budget_tokens"]
        require(budget >= 1024, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        require(budget < body["max_tokens"], "`max_tokens` must be greater than `thinking.budget_tokens`.")
    if thinking.get("type") in ("enabled", "adaptive"):
        require(body.get("temperature", 1) == 1, "`temperature` may only be set to 1 when thinking is enabled.")


def _check_open_loop(body: Mapping[str, Any], turns: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> None:
    """With a thinking budget, a turn whose tools are being answered must begin with its thinking."""
    if (body.get("thinking") or {}).get("type") != "enabled" or len(turns) < 2:
        return
    if any(block["type"] == "tool_result" for block in turns[-1][1]):
        first = turns[-2][1][0]["type"]
        require("thinking" in first, f"Expected `thinking` or `redacted_thinking`, but found `{first}`.")


def _check_caching(body: Mapping[str, Any]) -> None:
    marked = list(_marked(body))
    require(len(marked) <= 4, f"A maximum of 4 blocks with cache_control may be provided. Found {len(marked)}.")
    require(all("thinking" not in str(kind) for kind in marked), "cache_control cannot be set for thinking blocks")


def _marked(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        own = [value.get("type")] if "cache_control" in value else []
        return own + [kind for child in value.values() for kind in _marked(child)]
    return [kind for child in value for kind in _marked(child)] if isinstance(value, list) else []


def stream(reply: Reply) -> list[bytes]:
    """Return the events of a reply."""
    usage = _usage(reply)
    start = {
        "id": "msg_fake", "type": "message", "role": "assistant", "content": [], "model": reply.model,
        "stop_reason": None, "stop_sequence": None, **({"usage": {**usage, "output_tokens": 1}} if usage else {}),
    }  # fmt: skip
    events = [_event("message_start", message=start), _event("ping")]
    for index, part in enumerate(reply.parts):
        events += _block(index, part, reply.delta)
    if reply.broken.error:
        return [*events, b"event: error\ndata: " + error(reply.broken.error) + b"\n\n"]
    stop = {"stop_reason": _STOPS[reply.stop], "stop_sequence": None}
    events.append(_event("message_delta", delta=stop, **({"usage": usage} if usage else {})))
    return [*events, _event("message_stop")]


def _event(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=False)}\n\n".encode()


def _block(index: int, part: object, size: int) -> list[bytes]:
    match part:
        case Text(text):
            block: dict[str, Any] = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in slices(text, size)]
        case Thinking(signature=signature) if signature.startswith("redacted:"):
            block, deltas = {"type": "redacted_thinking", "data": signature.removeprefix("redacted:")}, []
        case Thinking(text, signature):
            block = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in slices(text, size)]
            deltas.append({"type": "signature_delta", "signature": signature or sign(text)})
        case ToolCall(call_id, name, arguments, raw):
            block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
            written = json.dumps(dict(arguments), ensure_ascii=False) if raw is None else raw
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *slices(written, size)]]
        case _:
            raise TypeError(f"a model does not say {part!r}")
    return [
        _event("content_block_start", index=index, content_block=block),
        *(_event("content_block_delta", index=index, delta=delta) for delta in deltas),
        _event("content_block_stop", index=index),
    ]


def _usage(reply: Reply) -> dict[str, Any]:
    if reply.tokens is None:
        return {}
    read, written = reply.tokens.cache_read_tokens or 0, reply.tokens.cache_write_tokens or 0
    usage: dict[str, Any] = {
        "input_tokens": (reply.tokens.input_tokens or 0) - read - written,
        "cache_read_input_tokens": read, "cache_creation_input_tokens": written,
        "output_tokens": reply.tokens.output_tokens,
    }  # fmt: skip
    if reply.tokens.reasoning_tokens is not None:
        usage["output_tokens_details"] = {"thinking_tokens": reply.tokens.reasoning_tokens}
    return usage
