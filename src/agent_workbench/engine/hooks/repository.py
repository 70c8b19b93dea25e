"""What git knows of a folder, asked without running anything that the repository names.

A repository's own settings name programs: filters that run over changed files, a file system monitor, hooks. So git
never sees them: it gets a folder that links to the repository's objects, refs and index, beside settings of ours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_workbench.conversation.clean import clean
from agent_workbench.engine.tools.files import read_bytes
from agent_workbench.engine.tools.processes import clean_environment, run_program

GIT_SECONDS = 2.0
"""How long git may take; what a turn is told must not keep it waiting."""

MAX_CHANGES = 30
"""Changed files that are named."""

LINE_LENGTH = 200

_SETTINGS = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository's folder of work, and where git keeps what belongs to it and what its worktrees share."""

    root: Path
    own: Path
    shared: Path

    @property
    def branch(self) -> str:
        """The branch that it is on, a short commit where it is on none."""
        head = _text(self.own / "HEAD")
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref:") else head[:10]

    async def changes(self) -> Sequence[str]:
        """Return a line for each changed file, as `git status --short` says it, the first `MAX_CHANGES` of them.

        Raises:
            OSError: If git cannot say it, or not in time.
        """
        lines = await self._asked("status", "--short", "--ignore-submodules=all")
        more = len(lines) - MAX_CHANGES
        return [*lines[:MAX_CHANGES], f"… and {more} more"] if more > 0 else lines

    async def commits(self, count: int) -> Sequence[str]:
        """Return a line for each of the newest commits (OSError as for `changes`)."""
        return await self._asked("log", f"--max-count={count}", "--format=%h %s")

    async def _asked(self, *words: str) -> list[str]:
        with tempfile.TemporaryDirectory(prefix="awb-git-") as name:
            folder = Path(name)
            (folder / "config").write_text(_SETTINGS)
            (folder / "HEAD").write_text(_text(self.own / "HEAD") + "\n")
            (folder / "index").symlink_to(self.own / "index")
            for part in ("objects", "refs", "packed-refs", "info"):
                (folder / part).symlink_to(self.shared / part)
            places = {"GIT_DIR": str(folder), "GIT_WORK_TREE": str(self.root)}
            environment = clean_environment({**_ENVIRONMENT, **places})
            done = await run_program(["git", *words], folder=self.root, environment=environment, timeout=GIT_SECONDS)
        if done.code != 0:
            raise TimeoutError("git took too long") if done.timed_out else OSError(done.output[:LINE_LENGTH])
        return [clean(line)[:LINE_LENGTH] for line in done.output.splitlines()]


def repository(workspace: Path) -> Repository | None:
    """Return the repository that a folder is in, or None.

    A `.git` that points elsewhere counts only where that place points back, as a worktree's does: a folder must not
    have us tell of another's commits.
    """
    for root in (workspace, *workspace.parents):
        found = root / ".git"
        if found.is_dir() and not found.is_symlink():
            return Repository(root, found, found)
        if found.is_file():
            own = Path(root, _text(found).removeprefix("gitdir: "))
            shared = Path(own, _text(own / "commondir"))
            return Repository(root, own, shared) if _text(own / "gitdir") == str(found) else None
    return None


def _text(path: Path) -> str:
    try:
        return read_bytes(path.resolve(), 1000).decode("utf-8", "replace").strip()
    except OSError:
        return ""
