"""What the offline mock says without a script: small talk, facts it was told, tools it is asked for.

Every reply follows from the messages alone. It matches words, it understands nothing, and it says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent_workbench.conversation.messages import Message, StopReason, ToolResult
from agent_workbench.engine.ports import Request
from agent_workbench.errors import ProviderFault


@dataclass(frozen=True, slots=True)
class Said:
    """One reply before it is streamed. `calls` are (tool, arguments, id); a string stands for broken arguments."""

    text: str = ""
    thinking: str = ""
    calls: tuple[tuple[str, Mapping[str, Any] | str, str], ...] = ()
    stop_reason: StopReason | None = None
    fault: ProviderFault | None = None
    retryable: bool = False
    delay: float | None = None


def talk(request: Request) -> Said:
    """Answer the last message: report a tool's results, call a tool, or say something."""
    request = replace(request, messages=_without_reminders(request.messages))
    if not request.messages:
        return Said("Say something, and I will answer.")
    last = request.messages[-1]
    if last.role == "tool":
        return _report(request.messages, last.tool_results)
    words = _spoken(last)
    thinking = _THOUGHT.format(words=words[:80]) if re.search(r"\bthink\b|\breason\b", words, re.I) else ""
    called = _call(words, {tool.name for tool in request.tools})
    if called is not None:
        return Said(called.text, thinking, called.calls)
    return Said(_answer(words, request), thinking)


_THOUGHT = (
    "The person asks me to think about “{words}”. I am a mock and cannot reason, "
    "but this is where a model's thoughts would stream in, folded away until you open them."
)


def _without_reminders(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Leave out what only hooks said, at the end of a request."""
    kept = list(messages)
    while kept and kept[-1].role == "user" and not _spoken(kept[-1]):
        kept.pop()
    return tuple(kept)


def _spoken(message: Message) -> str:
    """Return the person's words without reminders that hooks added."""
    return re.sub(r"<system-reminder>.*?</system-reminder>", "", message.text, flags=re.DOTALL).strip()


# --- tools --------------------------------------------------------------------------------------------------------

_Maker = Callable[[re.Match[str]], tuple[str, dict[str, Any]]]

_TOOLS: Sequence[tuple[re.Pattern[str], _Maker]] = (
    (re.compile(r"\b(?:list|show|what are) (?:me )?(?:all )?(?:the |my )?files(?: in (?P<where>[\w./-]+))?", re.I),
     lambda m: ("glob", {"pattern": f"{m['where'].rstrip('/.')}/*" if (m["where"] or "").strip("./") else "*"})),
    (re.compile(r"\bfind (?:the |all )?files? (?:named |called |like )?(?P<pattern>\S+)", re.I),
     lambda m: ("glob", {"pattern": m["pattern"].strip("\"'`")})),
    (re.compile(r"\b(?:search|grep|look) (?:for )?(?P<pattern>\"[^\"]+\"|\S+)(?: in (?P<path>\S+))?", re.I),
     lambda m: ("grep", {"pattern": re.escape(m["pattern"].strip("\"'`")), "output_mode": "content",
                         **({"path": m["path"].strip("\"'`?.,")} if m["path"] else {})})),
    (re.compile(r"\b(?:replace|change) (?P<old>\"[^\"]+\"|\S+) (?:with|by|to) (?P<new>\"[^\"]+\"|\S+) in (?P<path>\S+)",
                re.I),
     lambda m: ("edit_file", {"file_path": m["path"].strip("\"'`"), "old_string": m["old"].strip("\"'`"),
                              "new_string": m["new"].strip("\"'`")})),
    (re.compile(r"\b(?:write|create|save) (?:a file |the file |file )?(?P<path>[\w./~-]+\.\w+|\S*/\S+)"
                r"(?: (?:with|saying|containing)(?: the text)? (?P<text>.+))?", re.I | re.DOTALL),
     lambda m: ("write_file", {"file_path": m["path"], "content": (m["text"] or "hello").strip("\"'`") + "\n"})),
    (re.compile(r"\b(?:read|open|show|cat|print) (?:me )?(?:the )?(?:file )?"
                r"(?P<path>[\w./~-]+\.\w+|\S*/\S+|(?-i:[A-Z]{4,})\b)", re.I),
     lambda m: ("read_file", {"file_path": m["path"].strip("\"'`?")})),
    (re.compile(r"\b(?:run|execute) (?:the command )?(?P<command>.+)", re.I | re.DOTALL),
     lambda m: ("bash", {"command": m["command"].strip().strip("`").rstrip(".")})),
    (re.compile(r"\badd (?:a )?to-?do:? (?P<what>.+)", re.I),
     lambda m: ("todo", {"action": "create", "todos": [
         {"content": m["what"].strip(), "status": "pending", "activeForm": m["what"].strip()}]})),
    (re.compile(r"\b(?:list|show|what are) (?:me )?(?:the |my )?to-?dos?\b", re.I),
     lambda m: ("todo", {"action": "list"})),
)  # fmt: skip

_ANNOUNCED = {
    "glob": "I will look which files there are, the newest first.",
    "grep": "I will search for that.",
    "read_file": "I will read it.",
    "write_file": "I will write that file.",
    "edit_file": "I will make that change.",
    "bash": "I will run that command.",
    "todo": "I will keep the list.",
}


def _call(words: str, mounted: set[str]) -> Said | None:
    """Return the call that the words ask for; a tool that is not mounted is said so."""
    for pattern, make in _TOOLS:
        found = pattern.search(words)
        if found is None:
            continue
        name, arguments = make(found)
        if name in mounted:
            return Said(_ANNOUNCED[name], calls=((name, arguments, ""),))
        return Said(
            f"For that I would call the tool `{name}`, which this config does not mount. Add it under `tools:`."
        )
    return None


def _report(messages: Sequence[Message], results: Sequence[ToolResult]) -> Said:
    calls = {call.call_id: call for message in messages for call in message.tool_calls}
    lines = []
    for result in results:
        name = calls[result.call_id].name if result.call_id in calls else "tool"
        if result.is_error:
            lines.append(f"`{name}` did not work: {_shortened(result.content, 400)}")
        else:
            lines.append(f"`{name}` answered:\n\n{_fenced(_shortened(result.content, 1500))}")
    return Said("\n\n".join(lines) or "The tool answered nothing.")


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n… ({len(text) - limit:,} more characters)"


def _fenced(text: str) -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{ticks}text\n{text.rstrip()}\n{ticks}"


# --- words --------------------------------------------------------------------------------------------------------

_FACT = re.compile(r"\bmy (?P<what>[\w' -]{1,40}?) is (?P<value>[^.!?\n]{1,80})", re.I)
_CALLED = re.compile(r"\b(?:i am called|call me|i'm called) (?P<value>[^.!?,\n]{1,60})", re.I)
_ASKED = re.compile(r"\bwhat(?:'s| is| was)? my (?P<what>[\w' -]{1,40}?)\s*(?:\?|$|again)", re.I)
_WHO = re.compile(r"\bwho am i\b", re.I)


def facts(messages: Sequence[Message]) -> dict[str, str]:
    """Return what the person said of themselves, the last word on each thing counting."""
    known: dict[str, str] = {}
    for message in messages:
        if message.role != "user":
            continue
        for words in re.split(r",?(?: and)? (?=my )", _spoken(message), flags=re.I):
            for found in _FACT.finditer(words):
                known[found["what"].strip().lower()] = found["value"].strip()
            for found in _CALLED.finditer(words):
                known["name"] = found["value"].strip()
    return known


def _answer(words: str, request: Request) -> str:
    known = facts(request.messages)
    asked = "name" if _WHO.search(words) else (m["what"].strip().lower() if (m := _ASKED.search(words)) else "")
    if asked:
        return f"Your {asked} is {known[asked]}." if asked in known else f"You have not told me your {asked} yet."
    if told := facts(request.messages[-1:]):
        what, value = next(iter(told.items()))
        return f"Nice to meet you, {value}!" if what == "name" else f"I will remember that your {what} is {value}."
    for pattern, reply in _REPLIES:
        if pattern.search(words):
            return reply(request, known)
    return (
        f"You said: “{_shortened(words, 200)}”\n\n"
        "I am an offline mock: I match words and understand nothing. Ask me *what can you do?* to see what to try."
    )


def _greeting(request: Request, known: Mapping[str, str]) -> str:
    name = f", {known['name']}" if "name" in known else ""
    return (
        f"Hello{name}! I am the workbench's offline mock: no key, no network, no cost, and no understanding either. "
        "Ask me *what can you do?*"
    )


def _abilities(request: Request, known: Mapping[str, str]) -> str:
    mounted = ", ".join(f"`{tool.name}`" for tool in request.tools) or "none yet"
    return f"""I am an offline mock, here so that everything can be tried without a key. I can:

- **remember** what you tell me: *my name is Ada*, then *what is my name?*
- **call tools** that the config mounts ({mounted}):
    - *list the files*, *read README.md*, *search for TODO*
    - *write notes.txt with hello*, *replace hello with goodbye in notes.txt*
    - *run ls*, *add a todo water the plants*
- **show markdown**: *show me some markdown*
- **think** before I answer: *think about it*
- **count**: *count to 20*

For real answers, put a provider with a key into the config (`provider-anthropic`, `provider-openai`)."""


_MARKDOWN = """# A heading

Some **bold**, some *italic*, some `code`, and a [link](https://example.org).

1. first
2. second
    - nested

> A quotation.

```python
def greet(name: str) -> str:
    return f"Hello, {name}!"
```

| tool | reads | writes |
|---|---|---|
| read_file | yes | no |
| write_file | no | yes |
"""


def _count(request: Request, known: Mapping[str, str]) -> str:
    number = re.search(r"\d+", _spoken(request.messages[-1]))
    return " ".join(str(n) for n in range(1, min(int(number[0][:4]) if number else 10, 1000) + 1))


_Reply = Callable[[Request, Mapping[str, str]], str]
_REPLIES: Sequence[tuple[re.Pattern[str], _Reply]] = (
    (re.compile(r"^\s*/?help\b|\bwhat can (?:you|i) do\b|\bwhat are you able\b", re.I), _abilities),
    (re.compile(r"\bmarkdown\b|\btable\b|\bcode block\b", re.I), lambda r, k: _MARKDOWN),
    (re.compile(r"\bcount\b", re.I), _count),
    (re.compile(r"\bwho are you\b|\bwhat are you\b|\bare you (?:a|an|real|human|claude|gpt|chatgpt)\b", re.I),
     lambda r, k: "I am the workbench's offline mock: a small program that matches words. No model is behind me."),
    (re.compile(r"\bthank", re.I), lambda r, k: "You are welcome."),
    (re.compile(r"\b(?:bye|goodbye|see you)\b", re.I),
     lambda r, k: "Goodbye! The session stays; come back whenever you like."),
    (re.compile(r"^\s*(?:hi|hello|hey|hallo|good (?:morning|evening|day))\b", re.I), _greeting),
    (re.compile(r"\bthink\b", re.I),
     lambda r, k: "I have thought about it: being a mock, I have come to no conclusion."),
)  # fmt: skip
