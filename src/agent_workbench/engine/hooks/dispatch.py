"""Ask the hooks: who hears an event, in which order, and whose answer wins.

Precedence is deny, then ask_user, then inject_context (all merged), then modify (chained), then continue, as in the
bundle format's lifecycle. A hook that fails is skipped with a notice; one that guards denies by failing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from agent_workbench.conversation.events import Notice
from agent_workbench.engine.ports import Hook, HookAnswer, HookEvent

HOOK_SECONDS = 30.0
"""How long a hook may think, unless its `timeout_s` says otherwise; a guarding one denies after that."""

_ACTIONS = ("continue", "deny", "modify", "inject_context", "ask_user")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What all hooks together want of one event.

    `data` is the event's, with every modification in it. `injections` are (role, text, ephemeral). `denied` and
    `question` are empty where nobody objected.
    """

    data: Mapping[str, Any]
    denied: str = ""
    question: str = ""
    injections: tuple[HookAnswer, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Hooks:
    """The hooks of one session, in the order of their priority (lower first), then of the config."""

    hooks: Sequence[Hook] = ()
    session_id: str = ""
    timeout_s: float = HOOK_SECONDS
    _ordered: tuple[Hook, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ordered", tuple(sorted(self.hooks, key=lambda hook: hook.priority)))

    def hears(self, name: str) -> bool:
        """Whether anybody listens, so that nobody builds data for nothing."""
        return any(_hears(hook, name) for hook in self._ordered)

    async def fire(self, name: str, data: Mapping[str, Any]) -> Outcome:
        """Ask everybody who listens, one after another; a denial ends the round."""
        outcome = Outcome(data)
        for hook in self._ordered:
            if _hears(hook, name):
                outcome = await self._ask(hook, name, outcome)
                if outcome.denied:
                    break
        return outcome

    async def _ask(self, hook: Hook, name: str, so_far: Outcome) -> Outcome:
        try:
            async with asyncio.timeout(getattr(hook, "timeout_s", self.timeout_s)):
                answer = await hook.handle(HookEvent(name, self.session_id, so_far.data))
            if not isinstance(answer, HookAnswer) or answer.action not in _ACTIONS:
                raise TypeError(f"it answered {answer!r:.80}")
        except Exception as error:  # noqa: BLE001 - a hook is other people's code; its failure must not end the turn
            return _failed(hook, name, so_far, f"{type(error).__name__}: {error}".rstrip(": "))
        return _merged(answer, so_far, hook.id)


def _hears(hook: Hook, name: str) -> bool:
    return name in hook.events or "*" in hook.events


def _failed(hook: Hook, name: str, so_far: Outcome, why: str) -> Outcome:
    severity: Literal["warning", "error"] = "error" if hook.guards else "warning"
    consequence = "so this is denied" if hook.guards else "and was skipped"
    notice = Notice(f"the hook {hook.id} failed at {name} ({why}) {consequence}", severity, {"hook": hook.id})
    denied = f"the hook {hook.id} failed, and it guards this" if hook.guards else ""
    return replace(so_far, notices=(*so_far.notices, notice), denied=denied)


def _merged(answer: HookAnswer, so_far: Outcome, hook_id: str) -> Outcome:
    match answer.action:
        case "deny":
            return replace(so_far, denied=answer.reason or f"the hook {hook_id} denied it")
        case "ask_user":
            asked = answer.text or answer.reason or f"the hook {hook_id} asks"
            return replace(so_far, question=so_far.question or asked)
        case "inject_context":
            return replace(so_far, injections=(*so_far.injections, answer)) if answer.text else so_far
        case "modify" if answer.data is not None:
            return replace(so_far, data=answer.data)
        case _:
            return so_far
