"""A tool call as lines: one line folded; unfolded its arguments, live output, change, checklist and result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.conversation.messages import ToolCall, ToolResult
from agent_workbench.frontends.tui.widgets.diff_view import counts, diff_lines
from agent_workbench.frontends.tui.widgets.lines import Line, ends, fold, width_of, wrap

State = Literal["writing", "waiting", "called", "asking", "running", "stopped", "done"]

SHORT_LINES = 12
LIVE_LINES = 6
FULL_LINES = 2_000
OUTPUT_KEPT = 20_000
"""Characters of live output that a card keeps; the result replaces it."""

_LANE: Line = [("  ", ""), ("│ ", "state ornament")]
"""What stands before the lines of an agent that works for this one."""
_SUBJECTS = ("path", "file_path", "command", "pattern", "query", "url", "agent", "name")
_BODY: Line = [("    ", "")]
_STATES: dict[str, Line] = {
    "writing": [("… writing", "muted")],
    "waiting": [("… waiting", "muted")],
    "called": [("– no result", "muted")],
    "asking": [("? asks", "warn")],
    "running": [("● ", "state ornament"), ("running", "state")],
    "stopped": [("■ ", "warn ornament"), ("stopped", "warn")],
}
OPEN: frozenset[State] = frozenset(("writing", "waiting", "asking", "running"))
"""The states of a call of a turn that runs."""
_DONE: Line = [("✓", "good sign")]
_BOXES = {"completed": ("☑ ", "good"), "done": ("☑ ", "good"), "in_progress": ("◐ ", "state")}


@dataclass(frozen=True, slots=True)
class ToolBlock:
    """A tool call and what came of it. `draft` is its arguments while they are being written.

    `output` is what it printed so far; once there is a result it is kept only where that came without the tool.
    """

    call: ToolCall
    state: State = "called"
    who: str = ""
    draft: str = ""
    output: str = ""
    result: ToolResult | None = None
    duration_s: float = 0.0
    message: int = -1


def tool_mode(block: ToolBlock) -> Literal["folded", "short", "full"]:
    """Return how a card is shown at first: what changes or fails is open, what only reads is one line."""
    if todos(block):
        return "full"
    if block.output or diff_of(block):
        return "short"
    return "short" if block.result is not None and block.result.is_error else "folded"


def tool_lines(block: ToolBlock, width: int, mode: str) -> list[Line]:
    """Lay a card out: the head, and below it the body as far as the mode shows it."""
    head = _head(block, width, mode)
    if mode == "folded":
        return [head]
    body = _body(block, width, full=mode == "full")
    if mode == "short" and block.output:
        return [head, *body[-LIVE_LINES:]]
    most = FULL_LINES if mode == "full" else SHORT_LINES
    if len(body) > most:
        body = [*body[:most], [*_BODY, (f"… {len(body) - most} more lines", "muted")]]
    return [head, *body]


def tool_source(block: ToolBlock) -> str:
    """Return the card for copying: the command alone for a shell, else call and result."""
    command = block.call.arguments.get("command")
    if isinstance(command, str):
        return command
    arguments = block.draft or json.dumps(dict(block.call.arguments), ensure_ascii=False, indent=2, default=str)
    result = block.result.content if block.result else block.output
    return f"{block.call.name} {arguments}\n{result}".rstrip()


def tool_words(block: ToolBlock) -> str:
    """Return all that a card says when it is unfolded, to be searched in."""
    arguments = [f"{name}: {_said(value)}" for name, value in block.call.arguments.items()]
    result = block.result.content if block.result else ""
    return "\n".join(
        (block.call.name, block.draft or block.call.raw or "", *arguments, block.output, result, diff_of(block))
    )


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def diff_of(block: ToolBlock) -> str:
    """Return the diff that the tool reported, or nothing."""
    diff = block.result.details.get("diff") if block.result else None
    return diff if isinstance(diff, str) else ""


def unfinished(block: ToolBlock) -> bool:
    """Whether the turn ended before the call did."""
    return block.result is not None and bool(block.result.details.get("unfinished"))


def todos(block: ToolBlock) -> Sequence[Mapping[str, Any]]:
    """Return the checklist that a todo call wrote or read, or nothing: one that failed wrote none."""
    if block.result is not None and block.result.is_error:
        return ()
    found = block.result.details.get("todos") if block.result else None
    if found is None and block.call.name.startswith("todo"):
        found = block.call.arguments.get("todos")
    if not isinstance(found, Sequence) or isinstance(found, str):
        return ()
    return [item for item in found if isinstance(item, Mapping)]


def is_lane(call: ToolCall) -> bool:
    """Whether a call hands work to another agent, whose words the card shows."""
    return "agent" in call.arguments and "instruction" in call.arguments


def child_of(block: ToolBlock) -> str:
    """Return the session of the agent that worked in a call, or nothing."""
    found = block.result.details.get("session_id") if block.result and is_lane(block.call) else None
    return found if isinstance(found, str) else ""


def subject(call: ToolCall) -> str:
    """Return the one argument that says what a call is about, on one line; for an agent, its name and its task."""
    arguments = call.arguments
    if is_lane(call):
        return f"{clean_line(str(arguments['agent']), 40)}: {clean_line(str(arguments['instruction']), 200)}"
    for name in _SUBJECTS:
        if isinstance(arguments.get(name), str):
            return clean_line(arguments[name], 200)
    return next((clean_line(value, 200) for value in arguments.values() if isinstance(value, str)), "")


def _head(block: ToolBlock, width: int, mode: str) -> Line:
    sign = "▸ " if mode == "folded" else "▾ "
    left: Line = [(sign, "muted sign"), (clean_line(block.call.name, 60) or "tool", "strong"), (" ", "")]
    left.append((subject(block.call), ""))
    return ends(left, [*_measure(block), *_state(block)], width)


def _state(block: ToolBlock) -> Line:
    if block.state != "done" or block.result is None:
        return _STATES.get(block.state, _DONE)
    if block.result.details.get("denied") or (block.result.is_error and block.result.content.startswith("Denied")):
        return [("✗ ", "warn ornament"), ("denied", "warn")]
    if not block.result.is_error:
        return _DONE
    if unfinished(block):
        return _STATES["stopped"]
    code = block.result.details.get("exit_code")
    return [("✗ ", "bad ornament"), (f"exit {code}" if isinstance(code, int) and code else "failed", "bad")]


def _measure(block: ToolBlock) -> Line:
    words: Line = []
    if block.duration_s >= 1:
        words.append((f"{block.duration_s:.1f} s  ", "muted"))
    if diff := diff_of(block):
        added, removed = counts(diff)
        words += [(f"+{added} ", "good"), (f"−{removed}  ", "bad")]
    elif block.result is not None and not todos(block):
        words.append((size(len(block.result.content)) + "  ", "muted"))
    return words


def size(count: int) -> str:
    """Return a number of bytes for people."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def _body(block: ToolBlock, width: int, *, full: bool) -> list[Line]:
    checklist = todos(block)
    if checklist:
        return [[*_BODY, *line] for item in checklist for line in todo_lines(item, width - width_of(_BODY))]
    lines = _arguments(block, width) if full else []
    if diff := diff_of(block):
        return lines + diff_lines(clean(diff), width, _BODY)
    text = "\n".join(filter(None, (block.output.rstrip("\n"), block.result.content if block.result else "")))
    role = "bad" if block.result and block.result.is_error and not unfinished(block) else "muted"
    most = FULL_LINES * 200 if full else SHORT_LINES * 400
    kept = text[-most:] if block.output else text[:most]
    if kept.strip():
        shown = [(clean(kept.rstrip("\n")), role)]
        lines += wrap(shown, width, _LANE) if is_lane(block.call) else fold(shown, width, _BODY)
    if len(text) > len(kept) and block.result:
        lines.append([*_BODY, (f"… {size(len(text) - len(kept))} more", "muted")])
    images = block.result.images if block.result else ()
    return lines + [[*_BODY, (f"[image: {clean_line(image.name or image.media_type)}]", "muted")] for image in images]


def _arguments(block: ToolBlock, width: int) -> list[Line]:
    if block.draft or block.call.raw is not None:
        return fold([(clean(block.draft or block.call.raw or ""), "muted")], width, _BODY)
    lines: list[Line] = []
    for name, value in block.call.arguments.items():
        key: Line = [*_BODY, (f"{clean_line(str(name), 40)}: ", "key")]
        lines += wrap([(clean(_said(value)), "")], width, key, [*_BODY, ("  ", "")])
    return lines


def todo_lines(item: Mapping[str, Any], width: int) -> list[Line]:
    """Lay one item of a checklist out: a box that says how far it is, and its words."""
    status = str(item.get("status", "pending"))
    box, role = _BOXES.get(status, ("☐ ", "muted"))
    words = clean_line(str(item.get("content", "")))
    return wrap([(words, "strike muted" if role == "good" else "")], width, [(box, f"{role} sign")], [("  ", "")])
