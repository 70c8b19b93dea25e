"""Bundles from `https` addresses: small, timed, kept in a cache that answers until it is refreshed."""

from __future__ import annotations

import asyncio
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agent_workbench.configs.fetching import Failure
from agent_workbench.engine.tools.web_client import MAX_REDIRECTS, Fetched, WebClient, WebRefused, target

MAX_BYTES = 1_000_000
TIMEOUT_S = 15.0
RETRY_AFTER_S = 60.0
SLACK_S = 1.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched body. `kept` is the file in the cache."""

    content: bytes
    kept: Path


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
            return Failure("it was never fetched, and nothing is fetched here", "fetch it once online", (str(kept),))
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
        except (WebRefused, OSError) as error:
            reason = str(error) or type(error).__name__
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
        """Fetch in a thread of its own: whoever asks may run an event loop already."""
        pool = ThreadPoolExecutor(1, "fetch")
        try:
            return pool.submit(asyncio.run, self._follow(address)).result(self.timeout_s + SLACK_S)
        except TimeoutError as error:  # a name server that never answers cannot be interrupted
            raise WebRefused(f"it took longer than {self.timeout_s:g} s") from error
        finally:
            pool.shutdown(wait=False)

    async def _follow(self, address: str) -> bytes:
        """Fetch an address and where it redirects to, all within the time limit."""
        async with asyncio.timeout(self.timeout_s):
            for _ in range(MAX_REDIRECTS + 1):
                where = target(address)
                local = self.loopback and where.host in LOOPBACK
                if where.scheme != "https" and not local:
                    raise WebRefused(f"only https is fetched, not {where.scheme}")
                client = WebClient(self.timeout_s, MAX_BYTES, frozenset(LOOPBACK) if local else frozenset())
                answer = await client.get(address, accept="text/plain, text/markdown, */*")
                if not answer.moved:
                    return _body(answer)
                address = answer.moved
        raise WebRefused(f"it redirects more than {MAX_REDIRECTS} times")


def _body(answer: Fetched) -> bytes:
    if not 200 <= answer.status < 300:
        raise WebRefused(f"the server answered {answer.status}")
    if answer.cut:
        raise WebRefused(f"it is larger than {MAX_BYTES:,} bytes")
    return answer.body
