"""Paths as permissions see them: made absolute, both as written and as resolved, and compared by components."""

from __future__ import annotations

import fnmatch
import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

MAX_PATH = 4096  # PATH_MAX on Linux; a longer one cannot name a file anyway


class UnresolvablePath(ValueError):
    """A path that cannot be resolved, so that nobody can say what it names."""


@dataclass(frozen=True, slots=True)
class Place:
    """One path: as written (made absolute, `..` folded away) and as the file system resolves it."""

    given: str
    lexical: Path
    resolved: Path

    @property
    def both(self) -> tuple[Path, Path]:
        """The two readings, which a denying rule needs one of and an allowing rule all of."""
        return (self.lexical, self.resolved)

    def inside(self, folder: Path) -> bool:
        """Whether both readings lie in a folder (or are it)."""
        roots = {folder, Path(os.path.realpath(folder))}
        return any(self.lexical.is_relative_to(root) for root in roots) and any(
            self.resolved.is_relative_to(root) for root in roots
        )

    @property
    def hard_linked(self) -> bool:
        """Whether the file has another name somewhere, which no path rule can see."""
        try:
            status = os.lstat(self.resolved)
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_nlink > 1


def locate(path: str, base: Path) -> Place:
    """Resolve a path as given by a model: `~` expanded, relative ones on `base`.

    Raises:
        UnresolvablePath: If it is empty, too long, holds a NUL or a surrogate, or its links run in a circle.
    """
    if not path or len(path) > MAX_PATH or "\0" in path:
        raise UnresolvablePath("the path is empty, too long or holds a NUL")
    joined = os.path.join(base, os.path.expanduser(path))
    try:
        joined.encode("utf-8")
        resolved = os.path.realpath(joined)
        os.lstat(resolved)
    except FileNotFoundError:
        pass
    except UnicodeError as error:
        raise UnresolvablePath("the path is not valid text") from error
    except OSError as error:
        raise UnresolvablePath(f"the path cannot be resolved ({error.strerror})") from error
    if os.path.islink(resolved):
        raise UnresolvablePath("the path's links run in a circle")
    return Place(path, Path(os.path.normpath(joined)), Path(resolved))


def fold(text: str) -> str:
    """Make look-alike spellings equal: compatibility forms, upper case, and invisible characters.

    File systems that ignore case or invisible characters would take `.GIT` or a `.git` with a zero-width joiner
    for `.git`; whatever denies compares folded.
    """
    if text.isascii():  # nearly all; the loop below costs 1 µs for each character
        return text.lower()
    visible = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return visible.casefold()


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A glob over path components: `*` and `?` within one, `**` over any number of them."""

    parts: tuple[str, ...]
    anywhere: bool
    """A pattern of one component, which a denying rule looks for in every folder."""

    @classmethod
    def parse(cls, text: str, base: Path) -> PathPattern:
        """Read a pattern; a relative one is anchored at `base`, `~` is the person's home."""
        anywhere = "/" not in text.rstrip("/") and not text.startswith("~")
        anchored = os.path.normpath(os.path.join(base, os.path.expanduser(text)))
        return cls(Path(anchored).parts, anywhere)

    def covers(self, path: Path) -> bool:
        """Whether the whole path fits, exactly as spelled."""
        return _fits(self.parts, path.parts)

    def touches(self, path: Path) -> bool:
        """Whether the path, or a folder that it lies in, fits under any spelling. Never narrower than `covers`."""
        wanted, parts = tuple(map(fold, self.parts)), tuple(map(fold, path.parts))
        if self.anywhere and any(fnmatch.fnmatchcase(part, wanted[-1]) for part in parts):
            return True
        if wanted[-1] == "**":
            wanted = wanted[:-1]
        return any(_fits(wanted, parts[:length]) for length in range(1, len(parts) + 1))


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Match components greedily with one remembered `**` to go back to: linear, so no pattern can hang it."""
    at = here = 0
    star, mark = -1, 0
    while here < len(parts):
        if at < len(pattern) and pattern[at] == "**":
            star, mark, at = at, here, at + 1
        elif at < len(pattern) and fnmatch.fnmatchcase(parts[here], pattern[at]):
            at, here = at + 1, here + 1
        elif star >= 0:
            at, mark, here = star + 1, mark + 1, mark + 1
        else:
            return False
    return all(part == "**" for part in pattern[at:])
