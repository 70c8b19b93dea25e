"""`hooks-todo-reminder`: shows the model its own to-do list before each request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.engine.ports import HookAnswer, HookEvent, MountContext
from agent_workbench.engine.tools.todo import current, shown


class ReminderConfig(ModuleConfig):
    """The config of `hooks-todo-reminder`."""

    inject_role: Literal["user", "system"] = "user"
    """As whom the reminder speaks; `user` keeps prompt caches working."""
    priority: int = 10
    """When it is asked: lower is earlier."""


@dataclass(frozen=True)
class TodoReminder:
    """Injects the list as long as something on it is open."""

    role: Literal["user", "system"] = "user"
    id: str = "hooks-todo-reminder"
    events: frozenset[str] = frozenset({"provider:request"})
    guards: bool = False
    priority: int = 10

    async def handle(self, event: HookEvent) -> HookAnswer:
        """Answer with the list, for this request alone."""
        items = current(event.data.get("history", ()))
        if all(item["status"] == "completed" for item in items):
            return HookAnswer()
        words = f"Your to-do list:\n{shown(items)}\nFinish what is open, or update the list, before you end the turn."
        return HookAnswer("inject_context", text=words, role=self.role)


def create(config: ReminderConfig, context: MountContext) -> TodoReminder:
    """Make the hook."""
    return TodoReminder(config.inject_role, context.instance_id or "hooks-todo-reminder", priority=config.priority)


MODULE = Module(
    "hooks-todo-reminder", "hook", "Reminds the model of its to-do list before each request.", ReminderConfig, create
)
