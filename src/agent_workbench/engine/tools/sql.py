"""`tool-sql`: ask SQLite databases that the config names. Reading only, unless the config says otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.engine.permissions import Place
from agent_workbench.engine.ports import Intent, MountContext, Tool, ToolContext, ToolOutcome, ToolSpec
from agent_workbench.engine.tools.files import FileRefused, place
from agent_workbench.engine.tools.processes import clean_environment, run_program
from agent_workbench.engine.tools.sharing import unavailable

MAX_SQL = 100_000
MAX_OUTPUT = 2_000_000
"""Characters that the process of a statement may print."""


class DatabaseConfig(ModuleConfig):
    """One database."""

    path: str
    """The SQLite file, relative to the bundle's file, else to the session's folder."""
    description: str = ""
    """What is in it, for the model."""
    write: bool = False
    """Let rows be inserted, updated and deleted; each such statement is asked about."""


class SQLConfig(ModuleConfig):
    """The config of `tool-sql`."""

    databases: dict[str, DatabaseConfig | str] = Field(default_factory=dict)
    """Databases by name: a path, or `{path, description, write}`."""
    max_rows: int = Field(default=200, ge=1, le=5000)
    """Rows of one answer."""
    timeout: float = Field(default=10, gt=0, le=300)
    """Seconds that a statement may take."""


class Connector(Protocol):
    """Runs statements in processes of their own. Found in the resources under `sql`."""

    def refusal(self, path: Path) -> str:
        """Return why no statement is run on a file, or nothing."""
        ...

    def program(
        self, path: Path, sql: str, parameters: Sequence[Any], *, write: bool, max_rows: int, seconds: float
    ) -> tuple[tuple[str, ...], bytes]:
        """Return the words of the process and what it reads; it prints `{columns, rows, cut, changed}` or `{error}`."""
        ...


@dataclass(frozen=True)
class _SQLTool:
    """What the three tools share: the databases, and running one statement."""

    config: SQLConfig
    databases: Mapping[str, DatabaseConfig]
    base: Path
    connector: Connector | None

    def find(self, name: str) -> Place:
        """Return where a database is."""
        return place(self.databases[name].path, self.base)

    async def ask(
        self, context: ToolContext, name: str, sql: str, parameters: Sequence[Any] = (), *, write: bool = False
    ) -> Mapping[str, Any]:
        """Run a statement; what goes wrong is under `error`."""
        if self.connector is None:
            return {"error": unavailable("SQL").content}
        where = self.find(name)
        if not write:
            context.guard(where.resolved)
        refusal = self.connector.refusal(where.resolved)
        if refusal:
            return {"error": refusal}
        argv, asked = self.connector.program(
            where.resolved, sql, parameters, write=write, max_rows=self.config.max_rows, seconds=self.config.timeout
        )
        done = await run_program(
            argv, folder=self.base, environment=clean_environment(), timeout=self.config.timeout + 5, stdin=asked,
            limit=MAX_OUTPUT,
        )  # fmt: skip
        if done.timed_out:
            return {"error": f"it took more than {self.config.timeout:g} seconds"}
        try:
            answer = json.loads(done.output)
        except ValueError:  # killed by one of its limits, or by a file that breaks SQLite itself
            return {"error": f"the process of the statement ended with code {done.code}"}
        return answer if isinstance(answer, Mapping) else {"error": "the statement was answered with nonsense"}

    def schema(self, **properties: Any) -> dict[str, Any]:
        """Return the arguments' schema."""
        names = sorted(self.names)
        chosen = {"database": {"enum": names, "description": self._described(names)}, **properties}
        return {"type": "object", "properties": chosen, "required": list(chosen)[: 1 + bool(properties)]}

    @property
    def names(self) -> Sequence[str]:
        """The databases that the tool works on."""
        return tuple(self.databases)

    def _described(self, names: Sequence[str]) -> str:
        told = [f"{name}: {self.databases[name].description}" for name in names if self.databases[name].description]
        return "; ".join(told) or "Which database."


_SQL = {"type": "string", "minLength": 1, "maxLength": MAX_SQL, "description": "One statement of SQLite's SQL."}
_PARAMETERS = {"type": "array", "maxItems": 100, "items": {"type": ["string", "number", "null", "boolean"]},
               "description": "Values for the `?` in it."}  # fmt: skip


@dataclass(frozen=True)
class SQLQuery(_SQLTool):
    """sql_query: the rows of a SELECT."""

    @property
    def spec(self) -> ToolSpec:
        """How a model sees it."""
        words = f"Read from a SQLite database with one SELECT; {self.config.max_rows} rows at most. Nothing is changed."
        return ToolSpec("sql_query", words, self.schema(sql=_SQL, parameters=_PARAMETERS))

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which file is read, and how."""
        path = str(self.find(arguments["database"]).lexical)
        return Intent("read", path, (path,), arguments["sql"])

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Return the rows as a table."""
        answer = await self.ask(context, arguments["database"], arguments["sql"], arguments.get("parameters", ()))
        return _table(answer)


@dataclass(frozen=True)
class SQLSchema(_SQLTool):
    """sql_schema: what a database consists of."""

    @property
    def spec(self) -> ToolSpec:
        """How a model sees it."""
        return ToolSpec("sql_schema", "Show the tables, views and indexes of a SQLite database.", self.schema())

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which file is read."""
        path = str(self.find(arguments["database"]).lexical)
        return Intent("read", path, (path,), f"the schema of {path}")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Return the statements that made it."""
        answer = await self.ask(context, arguments["database"], "")
        if "error" in answer:
            return _table(answer)
        made = [row[2] or f"-- {row[0]} {row[1]}" for row in answer["rows"]]
        return ToolOutcome(";\n".join(made) or "The database is empty.", details={"objects": len(made)})


@dataclass(frozen=True)
class SQLExecute(_SQLTool):
    """sql_execute: change rows of a database that the config lets be changed."""

    @property
    def names(self) -> Sequence[str]:
        """The databases that may be changed."""
        return tuple(name for name, one in self.databases.items() if one.write)

    @property
    def spec(self) -> ToolSpec:
        """How a model sees it."""
        words = "Change rows of a SQLite database with one INSERT, UPDATE or DELETE. Tables cannot be made or dropped."
        return ToolSpec("sql_execute", words, self.schema(sql=_SQL, parameters=_PARAMETERS))

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say what is changed where. It is no edit of a file, so that no mode for edits allows it."""
        values = arguments.get("parameters", ())
        shown = f"{arguments['sql']}\n{json.dumps(list(values), ensure_ascii=False)}" if values else arguments["sql"]
        where = self.find(arguments["database"]).lexical
        return Intent("write", arguments["database"], preview=f"{where}\n{shown}")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Run it, and say how many rows were changed."""
        name, values = arguments["database"], arguments.get("parameters", ())
        answer = await self.ask(context, name, arguments["sql"], values, write=True)
        if "error" in answer or answer["columns"]:
            return _table(answer)
        return ToolOutcome(f"{answer['changed']} rows changed.", details={"changed": answer["changed"]})


def _table(answer: Mapping[str, Any]) -> ToolOutcome:
    if "error" in answer:
        return ToolOutcome(str(answer["error"]), is_error=True)
    rows = [" | ".join(_shown(value) for value in row) for row in answer["rows"]]
    lines = [" | ".join(answer["columns"]), *rows]
    lines += ["[there are more rows: ask for less, or use LIMIT and OFFSET]"] if answer["cut"] else []
    return ToolOutcome("\n".join(lines) if rows else "No rows.", details={"rows": len(rows), "cut": answer["cut"]})


def _shown(value: Any) -> str:
    return "NULL" if value is None else str(value).replace("\n", "\\n")


def create(config: SQLConfig, context: MountContext) -> tuple[Tool, ...]:
    """Make the tools. No file is opened yet.

    Raises:
        FileRefused: If a path cannot be one.
    """
    named = {name: DatabaseConfig(path=one) if isinstance(one, str) else one for name, one in config.databases.items()}
    base = Path(context.resources.get("base", context.workspace))
    parts = (config, named, base, context.resources.get("sql"))
    for one in named.values():
        if "://" in one.path or one.path.startswith("file:"):
            raise FileRefused(f"{one.path!r} is an address: name a file")
    reading = (SQLSchema(*parts), SQLQuery(*parts))
    return (*reading, SQLExecute(*parts)) if any(one.write for one in named.values()) else reading


MODULE = Module(
    "tool-sql",
    "tool",
    "Ask SQLite databases, read-only unless configured: sql_schema, sql_query, sql_execute.",
    SQLConfig,
    create,
    ("sql_schema", "sql_query", "sql_execute"),
)
