"""Modules of the original that are accepted and do nothing here, because another kind of screen needs them."""

from __future__ import annotations

from agent_workbench.configs.modules import Module


def _display(module_id: str, summary: str) -> Module:
    return Module(module_id, "hook", summary, noted_only=True)


NOTED = (
    _display("hooks-streaming-ui", "The transcript shows thinking, tool calls and usage itself"),
    _display("hooks-todo-display", "The transcript shows the to-do list itself"),
)
