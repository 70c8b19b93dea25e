"""What one session runs with: its agent plus its own overrides, read anew before every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from agent_workbench.engine.permissions import MODES, Mode, PermissionManager
from agent_workbench.engine.ports import ModelConfig
from agent_workbench.engine.session_config import SessionConfig
from agent_workbench.services.agents import Agent, Role
from agent_workbench.services.permissions import standing_rules
from agent_workbench.storage.records import Session


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """A session's own overrides, as they stand in its `settings` JSON. Empty means: as the config says."""

    provider: str = ""
    model: str = ""
    effort: str = ""
    permission_mode: str = ""
    grants: tuple[str, ...] = ()
    """Permission rules that the person allowed for this session."""
    max_steps: int | None = None
    agent: str = ""
    """Which of the config's agents it runs; empty is the config's own."""
    without: tuple[str, ...] = ()
    """Tool modules that such an agent does not inherit."""
    depth: int = 0
    """How many sessions it works for, one above the other."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> SessionSettings:
        """Read what is stored; unknown keys are left alone."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        for name in ("grants", "without"):
            if name in known:
                known[name] = tuple(str(one) for one in known[name])
        return cls(**known)

    @property
    def role(self) -> Role | None:
        """Which of the config's agents it runs; None is the config's own."""
        return Role(self.agent, self.without) if self.agent else None

    def mode(self, otherwise: Mode) -> Mode:
        """Return the session's permission mode."""
        return next((mode for mode in MODES if mode == self.permission_mode), otherwise)


def session_config(agent: Agent, session: Session, *, revision: int = 0) -> SessionConfig:
    """Combine an agent with a session's own settings.

    Raises:
        PermissionRuleError: If a standing rule does not parse.
    """
    own = SessionSettings.of(session.settings)
    workspace = Path(session.workspace or ".").resolve()
    permissions = PermissionManager(workspace, (*agent.rules, *standing_rules()), own.mode(agent.mode))
    limits = agent.loop.limits
    return SessionConfig(
        session_id=session.session_id,
        workspace=workspace,
        system=agent.system,
        tools=agent.tools,
        permissions=permissions.granting(own.grants),
        model=ModelConfig(provider=own.provider, model=own.model, effort=own.effort or agent.loop.effort),
        providers=agent.providers,
        hooks=agent.hooks,
        limits=replace(limits, max_steps=own.max_steps) if own.max_steps else limits,
        parallel_tools=agent.loop.parallel_tools,
        min_delay_s=agent.loop.min_delay_s,
        history_policy=agent.context,
        revision=revision,
    )
