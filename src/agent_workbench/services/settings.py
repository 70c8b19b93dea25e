"""What one session runs with: its agent plus its own overrides, read anew before every step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any

from agent_workbench.engine.permissions import MODES, Mode, PermissionManager
from agent_workbench.engine.ports import Limits, ModelConfig
from agent_workbench.engine.session_config import Compaction, Compacts, ContextPolicy, SessionConfig
from agent_workbench.errors import UsageError
from agent_workbench.services.agents import Role
from agent_workbench.services.mounting import Agent
from agent_workbench.services.permissions import standing_rules
from agent_workbench.storage.records import Session

#: How much a model may think, least first; a provider takes the nearest that its model knows.
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """A session's own overrides, as they stand in its `settings` JSON. Empty means: as the config says."""

    provider: str = ""
    """The id (else module id) of one of the config's providers."""
    model: str = ""
    effort: str = ""
    """One of `EFFORTS`."""
    permission_mode: str = ""
    grants: tuple[str, ...] = ()
    """Permission rules that the person allowed for this session."""
    max_steps: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    max_seconds: float | None = None
    agent: str = ""
    """Which of the config's agents it runs; empty is the config's own."""
    without: tuple[str, ...] = ()
    """Tool modules that such an agent does not inherit."""
    depth: int = 0
    """How many sessions it works for, one above the other."""
    compactions: tuple[Compaction, ...] = ()
    """Where the person asked to send less from there on, oldest first."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> SessionSettings:
        """Read what is stored; unknown keys and values of another type are left alone."""
        known: dict[str, Any] = {}
        for field in fields(cls):
            value = stored.get(field.name)
            if field.name == "compactions":
                known[field.name] = tuple(_compactions(value))
            elif isinstance(field.default, str) and isinstance(value, str):
                known[field.name] = value
            elif isinstance(field.default, tuple) and isinstance(value, list | tuple):
                known[field.name] = tuple(one for one in value if isinstance(one, str))
            elif (field.name in LIMITS and _is_limit(value)) or (field.name == "depth" and isinstance(value, int)):
                known[field.name] = value
        return cls(**known)

    @property
    def role(self) -> Role | None:
        """Which of the config's agents it runs; None is the config's own."""
        return Role(self.agent, self.without) if self.agent else None

    def mode(self, otherwise: Mode) -> Mode:
        """Return the session's permission mode."""
        return next((mode for mode in MODES if mode == self.permission_mode), otherwise)

    def limits(self, otherwise: Limits) -> Limits:
        """Return what a turn may use, where the session says nothing as the config does."""
        own = {name: value for name in LIMITS if (value := getattr(self, name)) is not None}
        return replace(otherwise, **own)


LIMITS = tuple(field.name for field in fields(Limits))


def _compactions(stored: Any) -> Iterator[Compaction]:
    for one in stored if isinstance(stored, list | tuple) else ():
        if isinstance(one, Mapping) and isinstance(one.get("after"), int) and isinstance(one.get("keep"), str):
            yield Compaction(one["after"], one["keep"])


def _is_limit(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0


def check(settings: Mapping[str, Any], *, providers: Sequence[str] | None = None) -> None:
    """Refuse settings that mean nothing; `providers` are the ids that there are to choose from.

    Raises:
        UsageError: With what there is to choose from.
    """
    chosen = {"permission_mode": ("permission mode", MODES), "effort": ("effort", EFFORTS)}
    if providers is not None:
        chosen["provider"] = ("provider of this config", tuple(providers))
    for name, (what, choices) in chosen.items():
        if settings.get(name) and settings[name] not in choices:
            raise UsageError(f"{settings[name]!r} is no {what}; use one of {', '.join(choices)}")
    for name in LIMITS:
        value = settings.get(name)
        if value is not None and not _is_limit(value):
            raise UsageError(f"{name} is {value!r}: it must be a number greater than 0")
    if not isinstance(settings.get("model", ""), str):
        raise UsageError(f"{settings['model']!r} is no name of a model")


def merged(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with changes made; an empty value goes back to what the config says.

    Another provider does not know the model that was chosen, so choosing one forgets that, unless it comes with it.
    """
    if changes.get("provider", stored.get("provider", "")) != stored.get("provider", ""):
        changes = {"model": "", **changes}
    whole = {**stored, **changes}
    return {name: value for name, value in whole.items() if value not in ("", None, 0)}


def granted(stored: Mapping[str, Any], rules: Iterable[str]) -> dict[str, Any]:
    """Return settings with permission rules added."""
    return {**stored, "grants": list(dict.fromkeys([*SessionSettings.of(stored).grants, *rules]))}


def compacted(stored: Mapping[str, Any], compaction: Compaction) -> dict[str, Any]:
    """Return settings with a compaction added."""
    before = SessionSettings.of(stored).compactions
    return {**stored, "compactions": [{"after": one.after, "keep": one.keep} for one in (*before, compaction)]}


def settings_up_to(stored: Mapping[str, Any], messages: int) -> dict[str, Any]:
    """Return settings for a session with so many of the messages: what was asked for later is not part of it."""
    kept = [one for one in SessionSettings.of(stored).compactions if one.after <= messages]
    rest = {name: value for name, value in stored.items() if name != "compactions"}
    for one in kept:
        rest = compacted(rest, one)
    return rest


def _context(policy: ContextPolicy, compactions: Sequence[Compaction]) -> ContextPolicy:
    return policy.asked(compactions) if compactions and isinstance(policy, Compacts) else policy


def session_config(agent: Agent, session: Session, *, revision: int = 0) -> SessionConfig:
    """Combine an agent with a session's own settings.

    Raises:
        PermissionRuleError: If a standing rule does not parse.
    """
    own = SessionSettings.of(session.settings)
    workspace = Path(session.workspace or ".").resolve()
    permissions = PermissionManager(workspace, (*agent.rules, *standing_rules()), own.mode(agent.mode), agent.made_from)
    return SessionConfig(
        session_id=session.session_id,
        workspace=workspace,
        system=agent.system,
        tools=agent.known_tools,
        shared=agent.shared,
        permissions=permissions.granting(own.grants),
        model=ModelConfig(provider=own.provider, model=own.model, effort=own.effort or agent.loop.effort),
        providers=agent.providers,
        hooks=agent.hooks,
        limits=own.limits(agent.loop.limits),
        parallel_tools=agent.loop.parallel_tools,
        min_delay_s=agent.loop.min_delay_s,
        history_policy=_context(agent.context, own.compactions),
        revision=revision,
    )
