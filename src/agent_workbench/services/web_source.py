"""Bundles from `https` addresses: small, timed, kept in a cache that answers until it is refreshed."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO

from agent_workbench.configs.fetching import Failure

MAX_BYTES = 1_000_000
TIMEOUT_S = 15.0
RETRY_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched body. `kept` is the file in the cache."""

    content: bytes
    kept: Path


class _Refused(Exception):
    """An address that is not asked."""


class WebCache:
    """Bodies by address. `loopback` allows plain `http` to this machine, for tests and local servers."""

    def __init__(self, folder: Path, *, offline: bool = False, loopback: bool = False, timeout_s: float = TIMEOUT_S):
        self.folder, self.offline, self.loopback, self.timeout_s = folder, offline, loopback, timeout_s
        self.retry_after_s = RETRY_AFTER_S
        self._failed: dict[str, tuple[float, Failure]] = {}

    def get(self, address: str) -> Page | Failure:
        """Return what is kept for an address, else fetch it."""
        kept = self._kept(address)
        try:
            return Page(kept.read_bytes(), kept)
        except OSError:
            pass
        if self.offline:
            return Failure("it was never fetched, and the network is off", "fetch it once online", (str(kept),))
        return self._failed[address][1] if self.is_waiting(address) else self.update(address)

    def update(self, address: str) -> Page | Failure:
        """Fetch an address again and keep what came. What was kept stays where that fails."""
        kept = self._kept(address)
        try:
            content = self._fetch(address)
            kept.parent.mkdir(parents=True, exist_ok=True)
            fresh = kept.with_suffix(".new")
            fresh.write_bytes(content)
            fresh.replace(kept)
        except urllib.error.HTTPError as error:
            reason = f"the server answered {error.code} {error.reason}"
            error.close()
        except (_Refused, urllib.error.URLError, HTTPException, OSError, ValueError) as error:
            reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        else:
            self._failed.pop(address, None)
            return Page(content, kept)
        failure = Failure(reason[:200], "check the address", (str(kept), f"retry:{address}"))
        self._failed[address] = (time.monotonic(), failure)
        return failure

    def is_kept(self, address: str) -> bool:
        """Whether an answer is at hand."""
        return self._kept(address).is_file()

    def is_waiting(self, address: str) -> bool:
        """Whether an address failed so lately that it is not tried again yet."""
        failed = self._failed.get(address)
        return failed is not None and time.monotonic() - failed[0] < self.retry_after_s

    def forget_failures(self) -> None:
        """Try again at once what failed lately."""
        self._failed.clear()

    def _kept(self, address: str) -> Path:
        return self.folder / hashlib.sha256(address.encode()).hexdigest()

    def _fetch(self, address: str) -> bytes:
        self.check(address)
        deadline = time.monotonic() + self.timeout_s
        opener = urllib.request.build_opener(_Redirects(self))
        opener.addheaders = [("User-Agent", "agent-workbench"), ("Accept", "text/plain, text/markdown, */*")]
        pieces: list[bytes] = []
        size = 0
        with opener.open(address, timeout=self.timeout_s) as response:
            while piece := response.read1(65536):
                pieces.append(piece)
                size += len(piece)
                if size > MAX_BYTES:
                    raise _Refused(f"it is larger than {MAX_BYTES:,} bytes")
                if time.monotonic() > deadline:
                    raise _Refused(f"it took longer than {self.timeout_s:g} s")
        return b"".join(pieces)

    def check(self, address: str) -> None:
        """Refuse what is not https to a public host, before anything is sent."""
        parts = urllib.parse.urlsplit(address)
        host = parts.hostname or ""
        if parts.username or parts.password:
            raise _Refused("an address must not hold a password")
        try:
            found = {str(info[4][0]) for info in socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)}
        except (OSError, UnicodeError) as error:
            raise _Refused(f"no such host: {host}") from error
        addresses = [ipaddress.ip_address(one.partition("%")[0]) for one in found]
        if self.loopback and addresses and all(one.is_loopback for one in addresses):
            return
        if parts.scheme != "https":
            raise _Refused("only https is fetched")
        if not addresses or not all(one.is_global for one in addresses):
            raise _Refused(f"{host} is not a public address")


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5

    def __init__(self, cache: WebCache) -> None:
        self.cache = cache

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        self.cache.check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
