"""`hooks-status-context`: tells the model where it works and what day it is, last, so that prompt caches hold."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.conversation.clean import clean_line
from agent_workbench.engine.hooks.repository import repository
from agent_workbench.engine.ports import HookAnswer, HookEvent, MountContext


class StatusConfig(ModuleConfig):
    """The config of `hooks-status-context`."""

    include_git: bool = True
    """Name the branch."""
    git_include_status: bool = True
    """Name the changed files too, the first 30 of them; nothing that the repository's settings name is run."""
    git_include_commits: int = Field(default=5, ge=0)
    """How many of the newest commits are named."""
    include_datetime: bool = False
    """Say the time too, not only the day; that keeps prompt caches from working."""
    datetime_include_timezone: bool = False
    """Say the time zone."""
    include_session: bool = True
    """Say the session's id."""
    working_dir: str | None = None
    """No effect here: a session works in its own folder."""
    priority: int = 0
    """When it is asked: lower is earlier."""


@dataclass(frozen=True)
class StatusContext:
    """Injects a block once per turn. `now` is the clock."""

    config: StatusConfig
    workspace: Path
    id: str = "hooks-status-context"
    events: frozenset[str] = frozenset({"prompt:submit"})
    guards: bool = False
    priority: int = 0
    now: Callable[[], datetime] = lambda: datetime.now().astimezone()

    async def handle(self, event: HookEvent) -> HookAnswer:
        """Answer with the block; it stays for the turn and is not remembered."""
        lines = [f"Working directory: {self.workspace}", f"Platform: {platform.system()}", f"Today: {self._day()}"]
        if self.config.include_session:
            lines.insert(1, f"Session: {event.session_id}")
        if self.config.include_git:
            lines += await self._git()
        return HookAnswer("inject_context", text="\n".join(["<env>", *lines, "</env>"]), ephemeral=False)

    async def _git(self) -> list[str]:
        found = repository(self.workspace)
        if found is None or not found.branch:
            return ["Not a git repository, as far as its folder says"]
        lines = [f"Git branch: {clean_line(found.branch)}"]
        try:
            if self.config.git_include_status:
                changes = await found.changes()
                lines += ["Git status:", *changes] if changes else ["Git status: nothing is changed"]
            if self.config.git_include_commits:
                lines += ["Newest commits:", *await found.commits(self.config.git_include_commits)]
        except OSError as error:  # no git, a huge tree, a repository without a commit
            lines.append(f"Git says no more: {clean_line(str(error), 200)}")
        return lines

    def _day(self) -> str:
        now = self.now()
        words = f"{now:%Y-%m-%d %H:%M}" if self.config.include_datetime else f"{now:%Y-%m-%d}"
        return f"{words} {now:%Z}" if self.config.datetime_include_timezone else words


def create(config: StatusConfig, context: MountContext) -> StatusContext:
    """Make the hook."""
    return StatusContext(
        config, context.workspace, context.instance_id or "hooks-status-context", priority=config.priority
    )


MODULE = Module(
    "hooks-status-context", "hook", "Tells the model the folder, the day and the branch.", StatusConfig, create
)
