"""What stays protected in every mode, whatever any rule allows.

Our own state is denied. What programs run or trust without asking (hooks, start files, editor settings) is asked about
for each write, and what holds secrets for each read as well; no allowing rule and no mode answers for the person.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_workbench import paths
from agent_workbench.engine.permissions.places import Place, fold
from agent_workbench.engine.permissions.rules import Ruling

#: Files and folders that hold secrets, anywhere: reads ask too. `*` stands for anything within a name.
SECRET = (
    ".ssh .aws .azure .gnupg .kube .netrc _netrc .pgpass .my.cnf .npmrc .pypirc .git-credentials "
    ".docker/config.json .config/gh .config/gcloud .vault-token .env* id_rsa* id_dsa* id_ecdsa* id_ed25519*"
)

#: What other programs run or obey without asking, anywhere, by why: writes ask. What a project is made of is not here,
#: although it runs too: sources, tests, a Makefile, package.json. Those a person runs knowing that they were edited.
OBEYED: Mapping[str, str] = {
    "version control runs it, or reads from it what to run": (
        ".git .gitmodules .gitconfig .hg .hgrc .svn .jj .hooks .githooks hooks/pre-* hooks/post-* "
        "hooks/commit-msg hooks/prepare-commit-msg hooks/update hooks/applypatch-msg hooks/fsmonitor-watchman "
        "hooks/reference-transaction .husky lefthook.* lefthook-local.* .lefthook* .pre-commit-config.y*ml "
        ".pre-commit-hooks.y*ml .overcommit.yml .lintstagedrc* lint-staged.config.*"
    ),
    "editors run or obey it when the folder is opened": (
        ".vscode .idea .zed .fleet .helix .nova .theia .devcontainer .devcontainer.json *.code-workspace "
        "*.sublime-project *.sublime-workspace .vim .vimrc .gvimrc .exrc .nvimrc .nvim.lua .lvimrc "
        ".local.vimrc .emacs .emacs.d .dir-locals*.el .editorconfig"
    ),
    "other agents take tools, hooks or permissions from it": (
        ".mcp.json mcp.json .amplifier .agent-workbench .claude .claude.json .codex .cursor .windsurf .gemini "
        ".qwen .roo .roomodes .kilocode .kiro .continue .continuerc* .cline .clinerules .aider* .amazonq "
        ".augment .junie .goose .trae .crush* crush.json .opencode* opencode.json*"
    ),
    "shells and tools that start with them run it": (
        ".bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .login .logout .zshrc .zshenv "
        ".zprofile .zlogin .zlogout .kshrc .mkshrc .cshrc .tcshrc .xprofile .xinitrc .xsession .xsessionrc "
        ".pam_environment .inputrc .tmux.conf .screenrc .envrc .direnv .direnvrc mise.toml mise.*.toml .mise "
        ".mise.toml .mise.*.toml .rtx.toml .tool-versions"
    ),
    "debuggers, interpreters and clients run it when they start": (
        ".gdbinit* .lldbinit* .pdbrc* .pythonrc* .pystartup .irbrc .pryrc .rprofile .ghci .psqlrc .sqliterc "
        ".curlrc .wgetrc sitecustomize.py usercustomize.py *.pth .venv node_modules/.bin"
    ),
    "package managers and builds read from it what to run, or from where": (
        ".yarn .yarnrc* .pnpmfile.* .pnp.* pip.conf pip.ini .pip uv.toml .condarc .cargo rust-toolchain* "
        ".gemrc .bundle .mvn gradle/wrapper nuget.config .bazelrc .buckconfig .bowerrc .sbtopts .jvmopts"
    ),
    "a build server runs it": (
        ".github .gitlab .gitlab-ci.y*ml .gitea .forgejo .circleci .travis.yml .drone.yml .woodpecker* "
        ".buildkite .teamcity azure-pipelines.y*ml bitbucket-pipelines.yml appveyor.yml .appveyor.yml "
        "cloudbuild.y*ml jenkinsfile"
    ),
}

#: Under the home folder: start files of shells, editors, services and desktops, and programs that are found by name.
HOME_OBEYED = (
    ".config/fish .config/zsh .config/nvim .config/vim .config/emacs .config/helix .config/zed .config/code "
    ".config/git .config/tmux .config/gdb .config/mise .config/direnv .config/systemd .config/autostart "
    ".config/environment.d .config/pip .config/uv .config/pnpm .local/bin .local/share/systemd "
    ".local/share/applications bin .m2 .gradle Library/LaunchAgents"
)

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
        if why := next((why for why, names in OBEYED.items() if writing and _named(below, names)), ""):
            return "ask", why
        if writing and _under(path, [Path.home() / part for part in HOME_OBEYED.split()]):
            return "ask", "programs read it when you log in or start them"
    if writing and any(_under(path, made_from.beside) for path in place.both):
        return "ask", "this session's config would take it in"
    return None


def holds_secrets(parts: Sequence[str]) -> bool:
    """Whether a path's components name what holds secrets: `.env`, `.ssh` and the like."""
    return _named(parts, SECRET)


def _below(path: Path, workspace: Path) -> tuple[str, ...]:
    """Return the components to look at: those below the workspace, whose own place the person chose."""
    for root in (workspace, Path(os.path.realpath(workspace))):
        if path.is_relative_to(root):
            return path.relative_to(root).parts
    return path.parts


def _named(parts: Sequence[str], names: str) -> bool:
    return _pattern(names).search("/".join(fold(part).rstrip(". ") for part in parts)) is not None


@functools.cache
def _pattern(names: str) -> re.Pattern[str]:
    """Compile a list of names, or of folders with names in them, to look for as whole components."""
    each = "|".join(re.escape(name).replace(r"\*", "[^/]*") for name in names.split())
    return re.compile(f"(?:^|/)(?:{each})(?:/|$)")


def _under(path: Path, roots: Sequence[Path]) -> bool:
    folded = tuple(map(fold, path.parts))
    return any(folded[: len(wanted)] == wanted for root in roots for wanted in _readings(root))


@functools.lru_cache(maxsize=256)
def _readings(root: Path) -> tuple[tuple[str, ...], ...]:
    """Return a root's folded components as written and as resolved; remembered, since resolving costs 50 µs."""
    return tuple({tuple(map(fold, reading.parts)) for reading in (root, Path(os.path.realpath(root)))})
