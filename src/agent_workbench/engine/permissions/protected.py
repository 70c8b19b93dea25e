"""What stays protected in every mode, whatever any rule allows.

Our own state is denied. What programs run or trust without asking (hooks, start files, editor settings) is asked about
for each write, and what holds secrets for each read as well; no allowing rule and no mode answers for the person.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_workbench import paths
from agent_workbench.engine.permissions.places import Place, fold
from agent_workbench.engine.permissions.rules import Ruling

#: Files and folders that hold secrets, anywhere: reads ask too. A trailing `*` is a prefix.
SECRET = (".ssh", ".aws", ".gnupg", ".kube", ".netrc", ".pgpass", ".npmrc", ".pypirc", ".git-credentials", ".env*",
          "id_rsa*", "id_ed25519*")  # fmt: skip

#: What other programs run or obey without asking, anywhere: writes ask.
OBEYED = (".git", ".gitmodules", ".gitconfig", ".hg", ".mcp.json", ".vscode", ".idea", ".zed", ".husky", ".claude",
          ".cursor", ".amplifier", ".agent-workbench", ".envrc", ".direnv", ".devcontainer", ".pre-commit-config.yaml",
          ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".zshrc", ".zshenv",
          ".zprofile", ".zlogin", ".zlogout", ".kshrc", ".cshrc", ".tcshrc", ".xprofile", ".xinitrc", ".xsessionrc",
          ".inputrc", ".vimrc", ".exrc", ".editorconfig", ".emacs", ".emacs.d", ".tmux.conf", ".hooks")  # fmt: skip

#: Under the home folder: start files of shells, editors, services and desktops.
HOME_OBEYED = (".config/fish", ".config/nvim", ".config/git", ".config/systemd", ".config/autostart", ".local/bin",
               ".local/share/systemd", ".config/environment.d", ".config/pip", ".config/uv")  # fmt: skip

#: Windows onto the kernel and devices; a file tool has no business there.
KERNEL = (Path("/proc"), Path("/sys"), Path("/dev"))


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """The files that a session was made from: its bundle, the local includes, the agents.

    Writing to `files` is denied: an agent never edits its own permissions. Writing to what is `beside` them is asked
    about: files and folders there would take their place, or be read along with them, the next time.
    """

    files: tuple[Path, ...] = ()
    beside: tuple[Path, ...] = ()


#: What decides where our own files are; as long as it stays, so do they.
_PLACED_BY = ("AWB_DB", "HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


def own_state() -> tuple[Path, ...]:
    """Return the workbench's own files: the database with its side files, settings, permissions and logs."""
    return _own_state(tuple(os.environ.get(name) for name in _PLACED_BY), paths.opened())


@functools.lru_cache(maxsize=16)
def _own_state(environment: tuple[str | None, ...], opened: frozenset[Path]) -> tuple[Path, ...]:
    databases = (paths.database_path(), *sorted(opened))
    tails = ("", "-wal", "-shm", "-journal", ".lock")
    sides = tuple(database.with_name(database.name + tail) for database in databases for tail in tails)
    return (*sides, paths.data_dir(), paths.config_dir(), paths.log_dir())


def protection(
    place: Place, *, writing: bool, workspace: Path, made_from: MadeFrom = MadeFrom()
) -> tuple[Ruling, str] | None:
    """Return what a path's protection demands (`ask` or `deny`) and why, or None where it has none."""
    if writing and any(_under(path, made_from.files) for path in place.both):
        return "deny", "this session was made from it, and an agent never changes what it may do"
    for path in place.both:
        if _under(path, own_state()):
            return "deny", "the workbench's own files are never an agent's to read or change"
        if _under(path, KERNEL) and not workspace.is_relative_to(Path(*path.parts[:2])):
            return "deny", "devices and kernel files are never read or written by a file tool"
    for path in place.both:
        below = _below(path, workspace)
        if _named(below, SECRET):
            return "ask", "it may hold secrets"
        if writing and (_named(below, OBEYED) or _under(path, [Path.home() / part for part in HOME_OBEYED])):
            return "ask", "other programs run or obey this file"
    if writing and any(_under(path, made_from.beside) for path in place.both):
        return "ask", "this session's config would take it in"
    return None


def _below(path: Path, workspace: Path) -> tuple[str, ...]:
    """Return the components to look at: those below the workspace, whose own place the person chose."""
    for root in (workspace, Path(os.path.realpath(workspace))):
        if path.is_relative_to(root):
            return path.relative_to(root).parts
    return path.parts


def _named(parts: Sequence[str], names: Sequence[str]) -> bool:
    folded = [fold(part).rstrip(". ") for part in parts]
    return any(part.startswith(name[:-1]) if name.endswith("*") else part == name for part in folded for name in names)


def _under(path: Path, roots: Sequence[Path]) -> bool:
    folded = tuple(map(fold, path.parts))
    return any(folded[: len(wanted)] == wanted for root in roots for wanted in _readings(root))


@functools.lru_cache(maxsize=256)
def _readings(root: Path) -> tuple[tuple[str, ...], ...]:
    """Return a root's folded components as written and as resolved; remembered, since resolving costs 50 µs."""
    return tuple({tuple(map(fold, reading.parts)) for reading in (root, Path(os.path.realpath(root)))})
