"""A problem in a config: what is wrong, where, and a way out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from agent_workbench.configs.edits import Edit

Severity = Literal["error", "warning", "info"]
_RANK = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong (error), doubtful (warning) or worth knowing (info).

    `line` and `column` count from 1, in code points; 0 where the whole text is meant. `path` is the place in the
    data (`tools[1].config.timeout`). `hint` says how to fix it, `fix` does it. `source` names the file or
    include where that is not the text itself. `code` is stable, for filters and docs. `variable` is the name that
    somebody has to give a value to, where that is all that is wrong.
    """

    severity: Severity
    message: str
    line: int = 0
    column: int = 0
    path: str = ""
    hint: str = ""
    code: str = ""
    source: str = ""
    fix: Edit | None = None
    variable: str = ""

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.source, self.line or "", self.column or "") if part != "")
        tail = f" ({self.hint})" if self.hint else ""
        return f"{where}: {self.severity}: {self.message}{tail}" if where else f"{self.severity}: {self.message}{tail}"

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the HTTP and command-line contracts name."""
        return {
            "severity": self.severity, "line": self.line, "column": self.column, "path": self.path,
            "message": self.message, "hint": self.hint, "code": self.code, "source": self.source,
        }  # fmt: skip


def worst_first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by severity, then place; equal problems once."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda p: (_RANK[p.severity], p.source, p.line, p.column)))


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Keep what stops a session from starting."""
    return tuple(problem for problem in problems if problem.severity == "error")
