"""What a turn comes to, gathered from its events; the same for every front end that answers a script."""

from __future__ import annotations

import time
from typing import Any

from agent_workbench.conversation.codec import usage_to_json
from agent_workbench.conversation.events import (
    Event,
    ReplyFinished,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)

#: What the answer to a call begins with that nobody allowed.
DENIED = "Denied"


class Outcome:
    """Takes a turn's events; what it says is whole after `TurnFinished`."""

    def __init__(self) -> None:
        self.response = ""
        """The words of the last reply that had any."""
        self.started = TurnStarted("")
        self.finished = TurnFinished("failed", error="the turn ended without saying why")
        self.denied: list[dict[str, str]] = []
        """The calls that were not allowed, in order: `tool`, and the `reason` that the model was given."""
        self._ran: set[str] = set()
        self._began = time.monotonic()

    def take(self, event: Event) -> None:
        """Note an event."""
        match event:
            case ReplyFinished(message):
                self.response = message.text or self.response
            case ToolStarted(call):
                self._ran.add(call.call_id)
            case ToolFinished(call, result):
                # what ran may say the same words of something else
                if result.is_error and result.content.startswith(DENIED) and call.call_id not in self._ran:
                    reason = result.content.removeprefix(DENIED).lstrip(": ")
                    self.denied.append({"tool": call.name, "reason": reason})
            case TurnStarted():
                self.started = event
            case TurnFinished():
                self.finished = event
            case _:
                pass

    @property
    def is_complete(self) -> bool:
        """Whether the agent came to its own end: not stopped, not failed, within the limits."""
        return self.finished.status == "completed"

    def ending(self) -> dict[str, Any]:
        """Return the last record of a stream: `done`, or `error` with what went wrong."""
        return {"type": "done"} if self.is_complete else {"type": "error", "message": self.finished.error}

    def metadata(self, config_id: str) -> dict[str, Any]:
        """Return what the turn ran with, what it used, and why it ended if not by itself."""
        return {
            "config_id": config_id,
            "revision": self.started.revision,
            "model": self.started.model,
            "usage": usage_to_json(self.finished.usage),
            "duration_s": round(time.monotonic() - self._began, 3),
            "error": self.finished.error,
            "error_kind": self.finished.error_kind,
        }
