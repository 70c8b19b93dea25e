"""OpenAI Responses: what the API accepts with `store: false`, and how it streams.

Rules: https://platform.openai.com/docs/api-reference/responses and the errors it answers with.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent_workbench.conversation.messages import Text, Thinking, ToolCall
from fakes.openai_errors import error, inner
from fakes.script import Reply, require, slices

__all__ = ["check", "encrypt", "error", "stream"]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def encrypt(item_id: str) -> str:
    """Return the encrypted content that belongs to a reasoning item."""
    return "enc-" + hashlib.sha256(item_id.encode()).hexdigest()[:24]


def check(body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Refuse what the API refuses.

    Raises:
        Refused: With the API's own sentence where it is known.
    """
    require(headers.get("authorization", "").startswith("Bearer "), "Missing bearer authentication in header")
    require(isinstance(body.get("model"), str) and body["model"], "you must provide a model parameter")
    require(body.get("store") is False, "this fake checks what is sent without storage: store must be false")
    items = body.get("input")
    require(isinstance(items, list) and items, "Missing required parameter: 'input'.")
    for tool in body.get("tools", []):
        require(tool["type"] == "function" and _NAME.fullmatch(tool["name"]), "Invalid 'tools[0].name'")
    assert isinstance(items, list)
    for number, item in enumerate(items):
        _check_item(number, item)
    _check_reasoning(items)
    _check_calls(items)


def _check_item(number: int, item: Mapping[str, Any]) -> None:
    where = f"input[{number}]"
    match item.get("type", "message"):
        case "message":
            role = item["role"]
            require(role in ("user", "assistant", "system", "developer"), f"Invalid value: '{where}.role'")
            phase = item.get("phase", "final_answer")
            require(phase in ("commentary", "final_answer"), f"Invalid value: '{phase}' in {where}.phase")
            content = item["content"]
            require(content, f"Invalid '{where}.content': empty array.")
            parts = [] if isinstance(content, str) else content
            allowed = ("output_text", "refusal") if role == "assistant" else ("input_text", "input_image")
            for part in parts:
                require(part["type"] in allowed, f"Invalid value: '{part['type']}' in {where}.content")
                require(part.get("text", "x"), f"Invalid '{where}.content': empty text")
                url = part.get("image_url", "data:image/")
                require(url.startswith(("data:image/", "https://")), f"Invalid '{where}.content.image_url'")
        case "function_call":
            require(_NAME.fullmatch(item["name"]), f"Invalid '{where}.name': string does not match pattern")
            require(isinstance(item["arguments"], str), f"Invalid type for '{where}.arguments'")
            require(0 < len(item["call_id"]) <= 64, f"Invalid '{where}.call_id': string too long.")
        case "function_call_output":
            require(isinstance(item["output"], str | list), f"Invalid type for '{where}.output'")
        case "reasoning":
            genuine = item.get("encrypted_content") == encrypt(item["id"])
            require(genuine, f"Item with id '{item['id']}' not found. Items are not persisted when `store` is false.")
            require(isinstance(item.get("summary"), list), f"Missing required parameter: '{where}.summary'.")
        case kind:
            require(False, f"Invalid value: '{kind}' in {where}.type")


def _check_reasoning(items: Sequence[Mapping[str, Any]]) -> None:
    for item, following in zip(items, [*items[1:], {}], strict=True):
        if item.get("type") == "reasoning":
            belongs = following.get("type") in ("function_call", "reasoning") or following.get("role") == "assistant"
            require(
                belongs, f"Item '{item['id']}' of type 'reasoning' was provided without its required following item."
            )
    ids = [item["id"] for item in items if item.get("type") == "reasoning"]
    require(len(ids) == len(set(ids)), f"Duplicate item found with id {ids}.")


def _check_calls(items: Sequence[Mapping[str, Any]]) -> None:
    asked: dict[str, bool] = {}
    for item in items:
        if item.get("type") == "function_call":
            require(item["call_id"] not in asked, f"Duplicate function call {item['call_id']}.")
            asked[item["call_id"]] = False
        elif item.get("type") == "function_call_output":
            open_call = asked.get(item["call_id"]) is False
            require(open_call, f"No tool call found for function call output with call_id {item['call_id']}.")
            asked[item["call_id"]] = True
    missing = [call_id for call_id, answered in asked.items() if not answered]
    require(not missing, f"No tool output found for function call {', '.join(missing)}.")


def stream(reply: Reply) -> list[bytes]:
    """Return the events of a reply."""
    shape: dict[str, Any] = {"id": "resp_fake", "object": "response", "model": reply.model, "status": "in_progress"}
    bodies: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**shape, "output": []}},
        {"type": "response.in_progress", "response": {**shape, "output": []}},
    ]
    output: list[dict[str, Any]] = []
    for index, part in enumerate(reply.parts):
        item, events = _item(index, part, reply)
        output.append(item)
        bodies += events
    if reply.broken.error:
        bodies.append({**inner(reply.broken.error), "type": "error"})
    else:
        bodies.append(_last({**shape, "output": output}, reply))
    return [_event(number, body) for number, body in enumerate(bodies)]


def _last(shape: dict[str, Any], reply: Reply) -> dict[str, Any]:
    shape["usage"] = _usage(reply)
    reasons = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}
    if reply.stop in reasons:
        details = {"reason": reasons[reply.stop]}
        return {
            "type": "response.incomplete",
            "response": {**shape, "status": "incomplete", "incomplete_details": details},
        }
    return {"type": "response.completed", "response": {**shape, "status": "completed"}}


def _event(number: int, body: Mapping[str, Any]) -> bytes:
    text = json.dumps({**body, "sequence_number": number}, ensure_ascii=False)
    return f"event: {body['type']}\ndata: {text}\n\n".encode()


def _item(index: int, part: object, reply: Reply) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match part:
        case Text(text, phase):
            item: dict[str, Any] = {"id": f"msg_{index}", "type": "message", "role": "assistant"}
            item |= {"phase": phase} if phase else {}
            empty, whole = {"content": []}, {"content": [{"type": "output_text", "text": text, "annotations": []}]}
            deltas = _deltas("response.output_text.delta", text, reply.delta, item["id"], index, content_index=0)
        case Thinking(text):
            name = f"rs_{hashlib.sha256(text.encode()).hexdigest()[:12]}{index}"
            item = {"id": name, "type": "reasoning"}
            summary = [{"type": "summary_text", "text": text}] if text else []
            empty, whole = {"summary": []}, {"summary": summary, "encrypted_content": encrypt(name)}
            kind = "response.reasoning_summary_text.delta"
            deltas = _deltas(kind, text, reply.delta, name, index, summary_index=0)
        case ToolCall(call_id, name, arguments, raw):
            written = json.dumps(dict(arguments), ensure_ascii=False) if raw is None else raw
            item = {"id": f"fc_{index}", "type": "function_call", "call_id": call_id, "name": name}
            empty, whole = {"arguments": ""}, {"arguments": written}
            deltas = _deltas("response.function_call_arguments.delta", written, reply.delta, item["id"], index)
        case _:
            raise TypeError(f"a model does not say {part!r}")
    truncated = reply.stop == "max_tokens" and index == len(reply.parts) - 1
    done = {**item, **whole, "status": "incomplete" if truncated else "completed"}
    added = {"type": "response.output_item.added", "output_index": index, "item": {**item, **empty}}
    ended = {"type": "response.output_item.done", "output_index": index, "item": done}
    return done, [added, *deltas, ended]


def _deltas(kind: str, text: str, size: int, item: str, index: int, **extra: int) -> list[dict[str, Any]]:
    common = {"type": kind, "item_id": item, "output_index": index, **extra}
    return [{**common, "delta": piece} for piece in slices(text, size)]


def _usage(reply: Reply) -> dict[str, Any] | None:
    tokens = reply.tokens
    if tokens is None:
        return None
    return {
        "input_tokens": tokens.input_tokens,
        "input_tokens_details": {
            "cached_tokens": tokens.cache_read_tokens or 0, "cache_write_tokens": tokens.cache_write_tokens or 0
        },
        "output_tokens": tokens.output_tokens,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning_tokens or 0},
        "total_tokens": (tokens.input_tokens or 0) + (tokens.output_tokens or 0),
    }  # fmt: skip
