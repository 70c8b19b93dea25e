"""Whether a folder lies on a network file system, where a write-ahead log is not safe."""

from __future__ import annotations

from pathlib import Path

NETWORK = frozenset({
    "9p", "afs", "ceph", "cifs", "davfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs",
    "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs", "vboxsf", "virtiofs",
})  # fmt: skip
"""Types whose shared memory is not shared between machines (https://sqlite.org/wal.html, "same host computer")."""


def network_filesystem(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the type of the network file system that holds the folder; empty where it is local or unknown."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""  # no such list outside Linux
    target = folder.resolve()
    best, kind = -1, ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(_unescape(fields[1]))
        if target.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind if kind in NETWORK else ""


def _unescape(text: str) -> str:
    """Undo the octal escapes of the mount table (space, tab, newline, backslash)."""
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, letter)
    return text
