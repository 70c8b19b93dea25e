"""What a session runs with, as a person changes it: checked, recorded, told to whoever follows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit
from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import Notice
from agent_workbench.engine.permissions import parse_rule
from agent_workbench.engine.session_config import SessionConfig
from agent_workbench.errors import NotFound
from agent_workbench.services.agents import Agents
from agent_workbench.services.hub import Hub
from agent_workbench.services.mounting import Agent
from agent_workbench.services.permissions import permissions_of
from agent_workbench.services.settings import SessionSettings, check, granted, merged, session_config
from agent_workbench.storage.ports import Store
from agent_workbench.storage.records import Config, Session


class SettingsCalls:
    """The part of the `SessionManager` that changes settings and grants."""

    def __init__(self, store: Store, agents: Agents, hub: Hub) -> None:
        self._store = store
        self._agents = agents
        self._hub = hub

    async def effective(self, session_id: str) -> SessionConfig:
        """Return what the session's next step runs with: tools, permissions, model, limits.

        Raises:
            NotFound: If there is no such session, or its config is gone.
            InvalidBundle: If its config cannot run.
        """
        session = await self._require(session_id)
        agent, revision = await self._agent(session)
        return await asyncio.to_thread(session_config, agent, session, revision=revision)

    async def change_settings(
        self,
        session_id: str,
        *,
        provider: str | None = None,
        model: str | None = None,
        effort: str | None = None,
        permission_mode: str | None = None,
        fast_edit: bool | None = None,
        max_steps: int | None = None,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        max_seconds: float | None = None,
    ) -> Session:
        """Change what a session runs with, from the next step of a running turn on; the change is recorded and told.

        What is not given stays; `""`, or 0 for a limit, goes back to what the config says. Another provider brings
        its own model, unless one is named. `fast_edit` is the permission mode `fast-edit`, or without it `ask`.

        Raises:
            NotFound: If there is no such session.
            UsageError: If there is no such provider, mode or effort; the message names those that there are.
        """
        mode = permission_mode if fast_edit is None else "fast-edit" if fast_edit else "ask"
        given = {
            "provider": provider, "model": model, "effort": effort, "permission_mode": mode, "max_steps": max_steps,
            "max_tokens": max_tokens, "max_cost": max_cost, "max_seconds": max_seconds,
        }  # fmt: skip
        changes = {name: value for name, value in given.items() if value is not None}
        providers: list[str] | None = None
        if provider:
            agent, _ = await self._agent(await self._require(session_id))
            providers = [one.id for one in agent.providers]
        check({name: value for name, value in changes.items() if value != 0}, providers=providers)
        change = self._store.sessions.change_settings
        before, after = await asyncio.to_thread(change, session_id, lambda stored: merged(stored, changes))
        await self._told(before, after)
        return after

    async def grant(self, session_id: str, rules: Sequence[str]) -> Session:
        """Allow calls for the rest of a session (PermissionRuleError where a rule does not parse)."""
        for rule in rules:
            parse_rule(rule, "allow", "session")
        change = self._store.sessions.change_settings
        before, after = await asyncio.to_thread(change, session_id, lambda stored: granted(stored, rules))
        await self._told(before, after)
        return after

    async def propose_grant(self, session_id: str, rules: Sequence[str]) -> tuple[Config, Edit]:
        """Return the config, and the edit that would allow calls in all its sessions, without making it.

        The edit adds to `session.permissions.allow` of the config's own text and touches nothing else; a no-op where
        all is allowed there already. A session that is pinned to a revision does not see it.

        Raises:
            NotFound: If there is no such session, or its config is gone.
            PermissionRuleError: If a rule does not parse.
            EditRefused: If it cannot be done without touching other bytes.
        """
        for rule in rules:
            parse_rule(rule, "allow", "bundle")
        session = await self._require(session_id)
        config = await asyncio.to_thread(self._store.configs.get, session.config_id)
        if config is None:
            raise NotFound(f"there is no config {session.config_id}; it may have been deleted")
        document = Document(config.yaml_content)
        allowed = permissions_of(document.data).get("allow") or []
        wanted = [*allowed, *(rule for rule in dict.fromkeys(rules) if rule not in allowed)]
        return config, document.set_value(("session", "permissions", "allow"), wanted)

    async def apply_grant(self, config: Config, edit: Edit) -> Config:
        """Save the edit that `propose_grant` returned, once the person has seen it.

        Raises:
            RevisionConflict: If the config was saved in between; propose it again then.
        """
        return await asyncio.to_thread(
            self._store.configs.update,
            config.config_id,
            yaml_content=edit.apply(config.yaml_content),
            expected_revision=config.revision,
            note="allow calls always",
        )

    # --- inside

    async def _agent(self, session: Session) -> tuple[Agent, int]:
        folder, role = Path(session.workspace or "."), SessionSettings.of(session.settings).role
        return await self._agents.of(session.config_id, session.pinned_revision, folder, role=role)

    async def _told(self, before: Session, after: Session) -> None:
        """Record a change of settings and tell the session's followers."""
        names = dict.fromkeys([*before.settings, *after.settings])
        changed = {
            name: after.settings.get(name) for name in names if after.settings.get(name) != before.settings.get(name)
        }
        if changed:
            await asyncio.to_thread(self._store.sessions.note, after.session_id, "settings_changed", changed)
            words = ", ".join(
                f"{name.replace('_', ' ')} {'as the config says' if value is None else value}"
                for name, value in changed.items()
            )
            notice = Notice(f"From the next step on: {clean_line(words, 200)}", data={"settings": changed})
            self._hub.publish(after.session_id, notice)

    async def _require(self, session_id: str) -> Session:
        session = await asyncio.to_thread(self._store.sessions.get, session_id)
        if session is None:
            raise NotFound(f"there is no session {session_id}")
        return session
