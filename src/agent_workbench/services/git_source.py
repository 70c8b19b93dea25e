"""Bundles from git repositories: fetched by the `git` program into a cache, pinned to the commit they resolved to.

A checkout lies under its commit and never changes; a pin says which commit a ref stood for when it was first asked for,
so what a config means does not drift. Nothing of a repository or of the person's git configuration is run: no hooks, no
filters, no credential helpers, no prompts, no submodules, and symbolic links are checked out as plain files. Over https
only public hosts are asked, at the address that was checked; ssh reaches hosts of an own network too, but not this
computer.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from agent_workbench.configs.fetching import Failure
from agent_workbench.configs.secrets import mask_text
from agent_workbench.engine.tools.web_client import WebRefused, host_name, is_public

TIMEOUT_S = 60.0
#: A failed clone is not tried again before this, so that a missing network costs one wait and not one per include.
RETRY_AFTER_S = 60.0

_URI = re.compile(
    r"git\+(?P<url>(?P<scheme>https|ssh|file)://(?P<host>[^/@#]*@)?[^@#]+?)(?:@(?P<ref>[^#]+))?(?:#(?P<fragment>.*))?\Z"
)
PORTS = {"https": 443, "ssh": 22}
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]*\Z")
_AUTHORITY = re.compile(r"(?:[^/@]*@)?(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?:/|\Z)")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_OPTIONS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.symlinks=false", "core.autocrlf=false",
    "submodule.recurse=false", "protocol.allow=never", "protocol.https.allow=always", "protocol.ssh.allow=always",
    "credential.helper=", "gc.auto=0", "advice.detachedHead=false", "http.followRedirects=false",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GitURI:
    """A parsed `git+scheme://…@ref#subdirectory=path`."""

    url: str
    ref: str = ""
    subdirectory: str = ""

    @property
    def address(self) -> str:
        """The repository at its ref, as written, without the fragment and with any password as dots."""
        address = mask_text(f"git+{self.url}")
        return f"{address}@{self.ref}" if self.ref else address


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder that holds a commit. `pin` is the file that says so."""

    folder: Path
    commit: str
    pin: Path


def parse_git(uri: str) -> GitURI | None:
    """Return the parts of a git URI, None where it is not one that is understood."""
    match = _URI.fullmatch(uri)
    if match is None or not uri.isprintable():
        return None
    ref = match["ref"] or ""
    fragment = match["fragment"] or ""
    parts = dict(part.partition("=")[::2] for part in fragment.split("&") if part)
    if parts.keys() - {"subdirectory", "egg"}:  # a slip in a name must not mean the repository's top
        return None
    if ref and (not _REF.match(ref) or ".." in ref):
        return None
    return GitURI(match["url"], ref, parts.get("subdirectory", "").strip("/"))


class GitCache:
    """Checkouts by commit, pins by address. Safe between threads and processes."""

    def __init__(self, folder: Path, *, offline: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        self.folder, self.offline, self.timeout_s = folder, offline, timeout_s
        self.retry_after_s = RETRY_AFTER_S
        self._failed: dict[str, tuple[float, Failure]] = {}

    def checkout(self, uri: GitURI) -> Checkout | Failure:
        """Return the pinned checkout, fetching it where there is none yet."""
        pinned = self._pinned(uri)
        if pinned is not None:
            return pinned
        pin = self._pin(uri)
        if self.offline:
            return Failure("it was never fetched, and nothing is fetched here", "fetch it once online", (str(pin),))
        return self._failed[uri.address][1] if self.is_waiting(uri.address) else self.update(uri)

    def update(self, uri: GitURI) -> Checkout | Failure:
        """Resolve a ref again and pin it to what it is now. What was pinned stays where that fails."""
        from filelock import FileLock, Timeout  # 25 ms that a start without git includes does not need

        repository = self._repository(uri)
        try:
            repository.mkdir(parents=True, exist_ok=True)
            with FileLock(repository / ".lock", timeout=self.timeout_s):
                done = self._fetch(uri, repository)
        except Timeout:
            done = Failure("another process is fetching it", "try again in a minute")
        except OSError as error:
            done = Failure(f"the cache cannot be written: {error.strerror or error}")
        if isinstance(done, Failure):
            done = Failure(done.reason, done.hint, (str(self._pin(uri)), f"retry:{uri.address}"))
            self._failed[uri.address] = (time.monotonic(), done)
        else:
            self._failed.pop(uri.address, None)
        return done

    def is_pinned(self, uri: GitURI) -> bool:
        """Whether a checkout is at hand."""
        return self._pinned(uri) is not None

    def commit_of(self, uri: GitURI) -> str:
        """Return the commit that an address is pinned to, empty where it was never fetched."""
        pinned = self._pinned(uri)
        return pinned.commit if pinned else ""

    def is_waiting(self, address: str) -> bool:
        """Whether an address failed so lately that it is not tried again yet."""
        failed = self._failed.get(address)
        return failed is not None and time.monotonic() - failed[0] < self.retry_after_s

    def forget_failures(self) -> None:
        """Try again at once what failed lately."""
        self._failed.clear()

    # the cache

    def _repository(self, uri: GitURI) -> Path:
        name = re.sub(r"[^A-Za-z0-9._-]", "-", uri.url.rstrip("/").removesuffix(".git").rpartition("/")[2])[:40]
        return self.folder / f"{name}-{hashlib.sha256(uri.url.encode()).hexdigest()[:16]}"

    def _pin(self, uri: GitURI) -> Path:
        ref = uri.ref or "HEAD"
        return self._repository(uri) / "pins" / hashlib.sha256(ref.encode()).hexdigest()[:24]

    def _pinned(self, uri: GitURI) -> Checkout | None:
        pin = self._pin(uri)
        try:
            commit = pin.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        folder = self._repository(uri) / commit
        return Checkout(folder, commit, pin) if _COMMIT.match(commit) and folder.is_dir() else None

    def _fetch(self, uri: GitURI, repository: Path) -> Checkout | Failure:
        with tempfile.TemporaryDirectory(dir=repository, prefix=".fetch-") as temporary:
            work = Path(temporary) / "tree"
            commit = self._clone(uri, work)
            if isinstance(commit, Failure):
                return commit
            shutil.rmtree(work / ".git")
            folder = repository / commit
            if not folder.is_dir():
                work.rename(folder)
        pin = self._pin(uri)
        pin.parent.mkdir(exist_ok=True)
        fresh = pin.with_suffix(".new")
        fresh.write_text(commit, encoding="ascii")
        fresh.replace(pin)
        return Checkout(folder, commit, pin)

    def _clone(self, uri: GitURI, work: Path) -> str | Failure:
        """Check a ref out; return its commit."""
        ref = uri.ref or "HEAD"
        options = reach(uri.url)
        if isinstance(options, Failure):
            return options
        started = self._git("init", "--quiet", str(work), cwd=work.parent)
        if isinstance(started, Failure):
            return started
        fetched = self._git(*options, "fetch", "--quiet", "--no-tags", "--depth=1", "--", uri.url, ref, cwd=work)
        target = "FETCH_HEAD"
        if isinstance(fetched, Failure) and _COMMIT.match(ref):
            # A server may refuse to hand out a commit by its hash: then take everything and look for it.
            everything = "+refs/heads/*:refs/remotes/all/*"
            fetched = self._git(*options, "fetch", "--quiet", "--tags", "--", uri.url, everything, cwd=work)
            target = ref
        if isinstance(fetched, Failure):
            return fetched
        checked = self._git("checkout", "--quiet", "--detach", target, cwd=work)
        return checked if isinstance(checked, Failure) else self._git("rev-parse", "HEAD", cwd=work)

    def _git(self, *arguments: str, cwd: Path) -> str | Failure:
        options = [part for option in _OPTIONS for part in ("-c", option)]
        try:
            done = subprocess.run(
                ["git", *options, *arguments],
                cwd=cwd, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True,
                timeout=self.timeout_s, text=True, errors="replace", check=False, start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            return Failure("the `git` program is not installed", "install git")
        except subprocess.TimeoutExpired:
            return Failure(f"git took longer than {self.timeout_s:g} s", "check the network, then refresh")
        if done.returncode:
            words = [line for line in done.stderr.strip().splitlines() if line.strip()]
            last = next(
                (line for line in reversed(words) if line.startswith(("fatal:", "error:"))), "".join(words[-1:])
            )
            return Failure(f"git: {last.removeprefix('fatal: ')[:200] or 'failed'}", "check the address and the ref")
        return done.stdout.strip()


def reach(url: str) -> tuple[str, ...] | Failure:
    """Return the options of git that let it reach a repository there, or why it must not."""
    scheme, _, rest = url.partition("://")
    if scheme == "file":
        return ("-c", "protocol.file.allow=always")
    found = _AUTHORITY.match(rest)
    if found is None:
        return Failure("that is no host of a repository", "write the host in plain letters, without % and \\")
    try:
        host = host_name(found["host"].strip("[]"))
    except WebRefused as error:
        return Failure(str(error), "check the address")
    port = int(found["port"] or PORTS[scheme])
    try:
        addresses = {str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return ()  # git says so itself, or asks a proxy
    for address in sorted(addresses):
        if not (is_public(address) if scheme == "https" else _is_elsewhere(address)):
            return Failure(
                f"{host} is {address}, which is not on the public internet", "clone it, and override its address"
            )
    pinned = sorted(addresses, key=lambda one: (":" in one, one))[0]
    # the address that was checked is the one that is asked, whatever the name means a moment later
    return ("-c", f"http.curloptResolve={host}:{port}:{pinned}") if scheme == "https" and pinned != host else ()


def _is_elsewhere(text: str) -> bool:
    """Whether an address is neither this computer nor where a cloud answers about itself."""
    address = ipaddress.ip_address(text.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast)


def _environment() -> dict[str, str]:
    """Return what git gets: no configuration, no prompts, no secrets but an ssh agent's socket."""
    kept = (
        "PATH",
        "HOME",
        "LANG",
        "SSH_AUTH_SOCK",
        "HTTPS_PROXY",
        "https_proxy",
        "NO_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    )
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }
