"""`hooks-redaction`: secrets in tool results become dots before a model, a log or the transcript sees them.

So do those in a result's details: the diff of an edit, which a person sees and the transcript keeps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.configs.secrets import DOTS, mask
from agent_workbench.engine.ports import HookAnswer, HookEvent, MountContext

_MAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b")
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_ASSIGNED = re.compile(
    r"""(?P<before>(?<![\w-])[\w-]*(?:api[_-]?key|secret|token|password|passwd|credential)s?["']?\s*[=:]\s*["']?)"""
    r"""(?P<value>[^\s"'•,;]{8,})""",
    re.IGNORECASE,
)


class RedactionConfig(ModuleConfig):
    """The config of `hooks-redaction`."""

    rules: list[Literal["secrets", "pii-basic"]] = ["secrets"]
    """What is hidden: credentials, and with `pii-basic` e-mail addresses too."""
    allowlist: list[str] = Field(default_factory=list)
    """Keys of an event that are left alone."""
    priority: int = 10
    """When it is asked: lower is earlier, so before any logging."""


@dataclass(frozen=True)
class Redaction:
    """Rewrites results. Guards: where it fails, the result is withheld."""

    config: RedactionConfig
    id: str = "hooks-redaction"
    events: frozenset[str] = frozenset({"tool:post", "tool:error"})
    guards: bool = True
    priority: int = 10

    async def handle(self, event: HookEvent) -> HookAnswer:
        """Answer with the same data, redacted, where anything had to be."""
        data = {k: v if k in self.config.allowlist else self.redact(v) for k, v in event.data.items()}
        return HookAnswer("modify", data=data) if data != dict(event.data) else HookAnswer()

    def redact(self, value: Any) -> Any:
        """Return a value with what is to be hidden as dots."""
        if isinstance(value, Mapping):
            return {key: self.redact(item) for key, item in mask(value).items()}
        if isinstance(value, list | tuple):
            return [self.redact(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if "secrets" in self.config.rules:
            text = _KEY_BLOCK.sub(DOTS, mask(text))
            text = _ASSIGNED.sub(lambda found: found["before"] + DOTS, text)
        return _MAIL.sub(DOTS, text) if "pii-basic" in self.config.rules else text


def create(config: RedactionConfig, context: MountContext) -> Redaction:
    """Make the hook."""
    return Redaction(config, context.instance_id or "hooks-redaction", priority=config.priority)


MODULE = Module("hooks-redaction", "hook", "Hides credentials in what tools answer.", RedactionConfig, create)
