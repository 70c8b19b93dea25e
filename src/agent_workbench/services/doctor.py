"""What this installation has and lacks, checked one thing at a time; nothing is changed and no network is used."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from agent_workbench import __version__, paths
from agent_workbench.configs.environment import references
from agent_workbench.configs.reader import read
from agent_workbench.errors import ConfigError, PermissionRuleError, StorageError
from agent_workbench.plugins import load_catalog
from agent_workbench.services.keys import source_of, usable
from agent_workbench.services.permissions import standing_rules
from agent_workbench.services.preferences import load_preferences, preferences_path
from agent_workbench.services.templates import templates
from agent_workbench.storage.database import open_store

State = Literal["fine", "note", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. `failed` means that something a person needs does not work."""

    name: str
    state: State
    detail: str
    hint: str = ""


def examine(database: Path | None = None) -> Iterator[Finding]:
    """Yield the findings, the most important first."""
    yield Finding("program", "fine", f"Agent Workbench {__version__}, Python {platform.python_version()}")
    yield from _database(database or paths.database_path())
    yield from _modules()
    yield from _keys()
    yield from _permissions()
    yield _settings()
    yield _program("bwrap", "runs the agent's commands in a sandbox", "install bubblewrap")
    yield _program("git", "fetches includes from git repositories", "install git")
    yield _editor()
    yield _keyring()
    yield _terminal()


def _database(path: Path) -> Iterator[Finding]:
    try:
        store = open_store(path)
    except StorageError as error:
        yield Finding("database", "failed", f"{path}: {error}", "name another one with --db or AWB_DB")
        return
    try:
        facts = dict(store.check())
    finally:
        store.close()
    size = f"{facts.get('size', 0) / 1024:,.0f} KiB"
    yield Finding("database", "fine", f"{facts.get('path', path)}, {size}, schema {facts.get('schema')}")
    how = f"SQLite {facts.get('sqlite')}, journal {facts.get('journal_mode')}, {facts.get('locking')}"
    yield Finding("SQLite", "fine", how)
    if network := facts.get("network_filesystem"):
        yield Finding(
            "file system",
            "warning",
            f"{network} is a network filesystem: slow and easily damaged",
            "keep the database on a local disk",
        )


def _modules() -> Iterator[Finding]:
    catalog = load_catalog()
    yield Finding("modules", "fine", f"{len(catalog.modules)} known; `awb module list` shows them")
    for name, why in catalog.broken.items():
        yield Finding(f"module {name}", "warning", f"cannot be loaded: {why}", "update or uninstall the package")


def _keys() -> Iterator[Finding]:
    """Say for each variable that samples need where it comes from. Values are never shown."""
    users: dict[str, list[str]] = {}
    for template in templates():
        for reference in references(read(template.text).data):
            if reference.default is None:
                users.setdefault(reference.name, []).append(template.name)
    for name, samples in users.items():
        who = f"the sample{'s' if len(samples) > 1 else ''} {', '.join(samples)}"
        source = source_of(name)
        if source:
            yield Finding(name, "fine", f"from the {source}, for {who}")
        else:
            keep = f", or awb key set {name}" if usable() else ""
            yield Finding(name, "note", f"not set; for {who}", f"export {name}=…{keep}")


def _permissions() -> Iterator[Finding]:
    try:
        rules = standing_rules()
    except PermissionRuleError as error:
        yield Finding("permissions", "failed", str(error), "correct the rule: until then no session starts")
        return
    yield Finding("permissions", "fine", f"{len(rules)} rules of your own hold in every session")


def _settings() -> Finding:
    path = preferences_path()
    try:
        load_preferences(path)
    except ConfigError as error:
        return Finding("settings", "failed", str(error), "correct it: until then no command starts")
    return Finding("settings", "fine", str(path) if path.exists() else f"none of your own ({path})")


def _program(name: str, purpose: str, hint: str) -> Finding:
    found = shutil.which(name)
    if found:
        return Finding(name, "fine", f"{found} ({purpose})")
    return Finding(name, "warning", f"not installed: it {purpose}", hint)


def _editor() -> Finding:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if named:
        return Finding("editor", "fine", named)
    return Finding("editor", "note", "neither VISUAL nor EDITOR is set", "export EDITOR=… for `awb config edit`")


def _keyring() -> Finding:
    if not find_spec("keyring"):
        return Finding(
            "keyring", "note", "not installed: keys come from the environment", "install the extra `keyring`"
        )
    if not usable():
        return Finding("keyring", "note", "this system has none that can be used: keys come from the environment")
    return Finding("keyring", "fine", "keys can be kept in the system's keyring")


def _terminal() -> Finding:
    size = shutil.get_terminal_size()
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    said = f"{os.environ.get('TERM', 'unknown')}, {size.columns}×{size.lines}, {encoding or 'no encoding'}"
    if encoding not in ("utf8", ""):
        return Finding("terminal", "warning", said, "use a UTF-8 locale: export LC_ALL=C.UTF-8")
    if size.columns < 80 or size.lines < 24:
        return Finding("terminal", "warning", said, "make it at least 80×24")
    return Finding("terminal", "fine", said)
