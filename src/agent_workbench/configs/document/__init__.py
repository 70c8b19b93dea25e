"""Edits the text of a config without touching a byte that it was not asked to."""

from agent_workbench.configs.document.document import Document

__all__ = ["Document"]
