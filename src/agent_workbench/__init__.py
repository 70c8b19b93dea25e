"""Author AI agents as YAML and run them, side by side.

Importing the package costs nothing: names are looked up on first use.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Config": "agent_workbench.storage.records",
    "Session": "agent_workbench.storage.records",
    "ConfigManager": "agent_workbench.services.configs",
    "SessionManager": "agent_workbench.services.sessions",
    "SharedContext": "agent_workbench.services.shared",
    "open_workbench": "agent_workbench.services.shared",
    "WorkbenchError": "agent_workbench.errors",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Look up a public name (PEP 562)."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
