"""`tool-todo`: a list the model keeps for itself. It lives in the conversation: the last list written is the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.conversation.messages import Message
from agent_workbench.engine.ports import Intent, MountContext, Tool, ToolContext, ToolOutcome, ToolSpec

MARKS = {"completed": "✓", "in_progress": "→", "pending": "☐"}

Item = Mapping[str, Any]


class TodoConfig(ModuleConfig):
    """The config of `tool-todo`: there is nothing to set."""


class Todo:
    """todo: create, update or list."""

    spec = ToolSpec(
        "todo",
        "Keep a list of what is to be done in a long task. `create` and `update` replace the whole list; keep one item "
        "in_progress at a time.",
        {
            "type": "object",
            "properties": {
                "action": {"enum": ["create", "update", "list"]},
                "todos": {
                    "type": "array",
                    "maxItems": 200,
                    "items": {
                        "type": "object",
                        "properties": {
                            "content": {"type": "string", "description": "What to do: “Run the tests”."},
                            "status": {"enum": ["pending", "in_progress", "completed"]},
                            "activeForm": {"type": "string", "description": "While it is done: “Running the tests”."},
                        },
                        "required": ["content", "status"],
                    },
                },
            },
            "required": ["action"],
            "if": {"properties": {"action": {"enum": ["create", "update"]}}},
            "then": {"required": ["todos"]},
        },
    )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say that nothing outside the conversation is touched."""
        return Intent("none", arguments["action"])

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Return the list as it is now."""
        before = (
            context.history[:-1] if context.history and context.history[-1].role == "assistant" else context.history
        )
        items: Sequence[Item] = arguments["todos"] if arguments["action"] != "list" else current(before)
        done = sum(item["status"] == "completed" for item in items)
        words = f"{done} of {len(items)} done\n{shown(items)}" if items else "The list is empty."
        return ToolOutcome(words, details={"todos": [dict(item) for item in items]})


def current(history: Sequence[Message]) -> Sequence[Item]:
    """Return the list as the conversation's last call that wrote it, and succeeded, left it."""
    failed = {result.call_id for message in history for result in message.tool_results if result.is_error}
    for message in reversed(history):
        for call in reversed(message.tool_calls):
            writes = call.name == "todo" and call.arguments.get("action") in ("create", "update")
            todos = call.arguments.get("todos")
            if writes and call.call_id not in failed and isinstance(todos, list | tuple):
                return [item for item in todos if isinstance(item, Mapping) and item.get("status") in MARKS]
    return ()


def shown(items: Sequence[Item]) -> str:
    """Return the list as lines with marks."""
    return "\n".join(f"{MARKS[item['status']]} {_words(item)}" for item in items)


def _words(item: Item) -> str:
    active = item["status"] == "in_progress" and item.get("activeForm")
    return str(active or item.get("content", ""))


def create(config: TodoConfig, context: MountContext) -> tuple[Tool, ...]:
    """Make the tool."""
    return (Todo(),)


MODULE = Module(
    "tool-todo", "tool", "A to-do list that the model keeps for itself: todo.", TodoConfig, create, ("todo",)
)
