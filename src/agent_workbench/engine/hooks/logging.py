"""`hooks-logging`: what happened in a session, one JSON object per line, with secrets as dots."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from agent_workbench import paths
from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.conversation.codec import clean_text
from agent_workbench.conversation.messages import Message
from agent_workbench.engine.hooks.redaction import Redaction, RedactionConfig
from agent_workbench.engine.output import capped
from agent_workbench.engine.ports import HookAnswer, HookEvent, MountContext

MAX_VALUE = 10_000
"""Characters of one text in a record."""

MAX_LOG = 50_000_000
"""Bytes after which a log becomes `.1` and a new one begins."""

_REDACTED = Redaction(RedactionConfig())
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class LoggingConfig(ModuleConfig):
    """The config of `hooks-logging`."""

    mode: str = "session-only"
    """No effect here: each session has its own log here."""
    session_log_template: str = ""
    """Where the log goes, with {project} and {session_id}; must end in .jsonl. The log folder where it is empty."""
    exclude_events: list[str] = Field(default_factory=lambda: ["*:delta", "llm:stream_*delta"])
    """Events that are left out; patterns with * and ?."""
    additional_events: list[str] = Field(default_factory=list)
    """No effect here: every event is heard here."""
    priority: int = 100
    """When it is asked: lower is earlier; after a redaction, so that it sees what is left."""


@dataclass(frozen=True)
class Logging:
    """Writes every event that is not excluded. Never objects."""

    config: LoggingConfig
    project: str
    id: str = "hooks-logging"
    events: frozenset[str] = frozenset({"*"})
    guards: bool = False
    priority: int = 100

    async def handle(self, event: HookEvent) -> HookAnswer:
        """Append one line."""
        if not any(fnmatch.fnmatchcase(event.name, pattern) for pattern in self.config.exclude_events):
            line = json.dumps(record(event), ensure_ascii=True, default=repr)
            append(self.path(event.session_id), line)
        return HookAnswer()

    def path(self, session_id: str) -> Path:
        """Return the log of a session; names are made safe, so that none climbs out of its folder."""
        names = {"project": _safe(self.project), "session_id": _safe(session_id)}
        template = self.config.session_log_template
        if not template:
            return paths.log_dir() / "sessions" / f"{names['session_id']}.jsonl"
        for name, value in names.items():
            template = template.replace(f"{{{name}}}", value)
        return Path(template).expanduser()


def record(event: HookEvent) -> Mapping[str, Any]:
    """Return an event as it is logged: times in UTC, secrets as dots, long texts cut, the history left out."""
    data = {key: value for key, value in event.data.items() if key != "history"}
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"ts": now, "event": event.name, "session_id": event.session_id, "data": _REDACTED.redact(_short(data))}


def append(path: Path, line: str, limit: int = 0) -> None:
    """Append a line to a file that only its owner reads; one over the limit in bytes is put aside. Follows no link.

    Raises:
        OSError: As the file system says.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, line.encode("ascii") + b"\n")
        full = os.fstat(descriptor).st_size > (limit or MAX_LOG)
    finally:
        os.close(descriptor)
    if full:
        path.replace(path.with_name(path.name + ".1"))


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return capped(clean_text(value), MAX_VALUE)
    if isinstance(value, Mapping):
        return {str(key): _short(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return value if isinstance(value, int | float | bool | None) else _short(_plain(value))


def _plain(value: Any) -> str:
    return value.text if isinstance(value, Message) else repr(value)


def _safe(name: str) -> str:
    return _UNSAFE.sub("-", name).strip(".-")[:100] or "unnamed"


def create(config: LoggingConfig, context: MountContext) -> Logging:
    """Make the hook.

    Raises:
        ValueError: If the template names anything but a .jsonl file.
    """
    if config.session_log_template and not config.session_log_template.endswith(".jsonl"):
        raise ValueError("session_log_template must end in .jsonl")
    return Logging(config, str(context.workspace), context.instance_id or "hooks-logging", priority=config.priority)


MODULE = Module(
    "hooks-logging", "hook", "Writes what happens to a JSONL file per session, secrets as dots.", LoggingConfig, create
)
