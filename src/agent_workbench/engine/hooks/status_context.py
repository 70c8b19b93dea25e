"""`hooks-status-context`: tells the model where it works and what day it is, last, so that prompt caches hold."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.engine.ports import HookAnswer, HookEvent, MountContext
from agent_workbench.engine.tools.files import read_bytes


class StatusConfig(ModuleConfig):
    """The config of `hooks-status-context`."""

    include_git: bool = True
    """Name the branch. Git itself is not run: a repository's config can make it run programs."""
    include_datetime: bool = False
    """Say the time too, not only the day; that keeps prompt caches from working."""
    datetime_include_timezone: bool = False
    """Say the time zone."""
    include_session: bool = True
    """Say the session's id."""
    working_dir: str | None = None
    """Accepted for the original's sake: a session works in its own folder."""
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
            found = branch(self.workspace)
            lines.append(f"Git branch: {found}" if found else "Not a git repository, as far as its folder says")
        return HookAnswer("inject_context", text="\n".join(["<env>", *lines, "</env>"]), ephemeral=False)

    def _day(self) -> str:
        now = self.now()
        words = f"{now:%Y-%m-%d %H:%M}" if self.config.include_datetime else f"{now:%Y-%m-%d}"
        return f"{words} {now:%Z}" if self.config.datetime_include_timezone else words


def branch(workspace: Path) -> str:
    """Return the branch that a folder's repository is on, a short commit where it is on none, or nothing."""
    for folder in (workspace, *workspace.parents):
        try:
            head = read_bytes((folder / ".git/HEAD").resolve(), 1000).decode("utf-8", "replace").strip()
        except OSError:
            continue
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref:") else head[:10]
    return ""


def create(config: StatusConfig, context: MountContext) -> StatusContext:
    """Make the hook."""
    return StatusContext(
        config, context.workspace, context.instance_id or "hooks-status-context", priority=config.priority
    )


MODULE = Module(
    "hooks-status-context", "hook", "Tells the model the folder, the day and the branch.", StatusConfig, create
)
