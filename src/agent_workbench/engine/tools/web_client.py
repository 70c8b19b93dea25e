"""Fetching from the web so that nothing inside is reached: every address is checked, and the checked one is used.

A name is resolved once for each request, all its addresses must be public, and the connection goes to one of them.
Redirects are followed on the same host only, each checked anew. Proxies of the environment are not used: they would
resolve the name again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from agent_workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import httpx2

MAX_URL = 4000
MAX_REDIRECTS = 5
CHUNK = 65_536
PORTS = {"http": 80, "https": 443}
USER_AGENT = "agent-workbench"

_INSIDE = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24"))
"""Public by their number, but answered inside a cloud: Azure's wire server and Oracle's metadata."""
_GZIP = b"\x1f"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class WebRefused(WorkbenchError):
    """A fetch that is not made, or not finished; the words are for the model and the person."""

    title = "Not fetched"


@dataclass(frozen=True, slots=True)
class Target:
    """An address that can be fetched. `host` is as `host_name` spells it."""

    parts: SplitResult
    scheme: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """The whole address, without a fragment."""
        return urlunsplit((self.scheme, self.netloc, self.parts.path or "/", self.parts.query, ""))

    @property
    def netloc(self) -> str:
        """The host, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came. `body` is decoded from its transfer encoding; `moved` is where a redirect to another host leads."""

    url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False
    moved: str = ""


def target(url: str) -> Target:
    """Read an address as it will be fetched.

    Raises:
        WebRefused: If it is no plain http or https address.
    """
    if len(url) > MAX_URL or any(ord(char) <= 32 or 127 <= ord(char) < 160 for char in url) or "\\" in url:
        raise WebRefused("the address is too long, or holds blanks, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise WebRefused(f"that is no address: {error}") from error
    if parts.scheme not in PORTS:
        raise WebRefused(f"only http and https are fetched, not {parts.scheme or 'an address without a scheme'}")
    if parts.username is not None or parts.password is not None:
        raise WebRefused("an address with a user name or a password in it is not fetched")
    return Target(parts, parts.scheme, host_name(parts.hostname or ""), port or PORTS[parts.scheme])


def host_name(name: str) -> str:
    """Return the one spelling of a host: lower case and ASCII, an IPv4 address in four decimal numbers.

    So a rule or a domain that names a host fits however an address spells it; `0x7f.1` is `127.0.0.1`, as it is for
    the system (https://url.spec.whatwg.org/#ends-in-a-number-checker).

    Raises:
        WebRefused: If it is none.
    """
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if not address.scope_id:
            return str(address.ipv4_mapped or address)
    try:
        ascii_name = name.encode("idna").decode("ascii").lower().removesuffix(".")
        if not all(_LABEL.fullmatch(label) for label in ascii_name.split(".")):
            raise WebRefused(f"{name[:100]!r} is no host name")
        if _NUMBER.fullmatch(ascii_name.rpartition(".")[2]):
            return socket.inet_ntoa(socket.inet_aton(ascii_name))
    except (UnicodeError, OSError) as error:
        raise WebRefused(f"{name[:100]!r} is no host name") from error
    return ascii_name


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet, those inside of other addresses included."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if address in _NAT64:  # how a network without IPv4 reaches it
        return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return all(map(_is_public, (address, *_embedded(address))))


def _is_public(address: Address) -> bool:
    inside = address.is_multicast or address.is_reserved or address.is_unspecified
    inside = inside or any(address in network for network in _INSIDE)
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not inside and not site_local


def _embedded(address: Address) -> tuple[Address, ...]:
    """Return the IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    return tuple(one for one in found if one is not None)


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name, as the system says."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True)
class WebClient:
    """Fetches addresses. `private` names hosts (`localhost`, `localhost:8080`) that may be inside."""

    timeout_s: float = 30.0
    max_bytes: int = 5_000_000
    private: frozenset[str] = frozenset()
    resolve: Resolve = resolve_name

    async def get(self, url: str, *, accept: str = "text/html, text/*;q=0.9, */*;q=0.5") -> Fetched:
        """Fetch an address; redirects on its host are followed, one to another host is said in `moved`.

        Raises:
            WebRefused: If it must not be fetched, does not answer in time, or breaks off.
        """
        import httpx2  # 60 ms that a session without the web does without

        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._follow(target(url), accept)
        except TimeoutError as error:
            raise WebRefused(f"{url} did not answer within {self.timeout_s:g} seconds") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise WebRefused(f"{url} cannot be fetched: {type(error).__name__} {error}".rstrip()) from error

    async def _follow(self, where: Target, accept: str) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._once(where, accept)
            location = answer.headers.get("location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            following = target(_joined(where.url, location))
            if not _same_site(where, following):
                return Fetched(where.url, answer.status, answer.headers, moved=following.url)
            where = following
        raise WebRefused(f"{where.url} redirects more than {MAX_REDIRECTS} times")

    async def address(self, where: Target) -> str:
        """Return the address to connect to.

        Raises:
            WebRefused: If the name has none, or any of them is not public and the host is not configured.
        """
        try:
            found = await self.resolve(where.host, where.port)
        except (OSError, UnicodeError) as error:
            raise WebRefused(f"the name {where.host} cannot be resolved: {error}") from error
        if not found:
            raise WebRefused(f"the name {where.host} has no address")
        if not {where.host, f"{where.host}:{where.port}"} & self.private:
            for one in found:
                if not is_public(one):
                    raise WebRefused(f"{where.host} is {one}, which is not on the public internet")
        return found[0]

    async def _once(self, where: Target, accept: str) -> Fetched:
        import httpx2

        pinned = await self.address(where)
        host = f"[{pinned}]" if ":" in pinned else pinned
        url = urlunsplit((where.scheme, f"{host}:{where.port}", where.parts.path or "/", where.parts.query, ""))
        headers = {
            "host": where.netloc,
            "accept": accept,
            "accept-encoding": "gzip",
            "user-agent": USER_AGENT,
            "connection": "close",
        }
        client = httpx2.AsyncClient(trust_env=False, timeout=self.timeout_s, follow_redirects=False)
        async with client, client.stream(
            "GET", url, headers=headers, extensions={"sni_hostname": where.host}
        ) as response:  # fmt: skip
            answered = {key.lower(): value for key, value in response.headers.items()}
            body, cut = await self._body(response, answered.get("content-encoding", ""))
            return Fetched(where.url, response.status_code, answered, body, cut)

    async def _body(self, response: httpx2.Response, encoding: str) -> tuple[bytes, bool]:
        """Read at most `max_bytes`, decoded; a bomb costs no more than that."""
        kept = bytearray()
        async for piece in _decoded(response.aiter_raw(CHUNK), encoding.strip().lower(), self.max_bytes + 1):
            kept += piece
            if len(kept) > self.max_bytes:
                return bytes(kept[: self.max_bytes]), True
        return bytes(kept), False


async def _decoded(pieces: AsyncIterator[bytes], encoding: str, most: int) -> AsyncIterator[bytes]:
    if encoding in ("", "identity"):
        async for piece in pieces:
            yield piece
        return
    if encoding not in ("gzip", "x-gzip"):
        raise WebRefused(f"the answer is encoded as {encoding[:40]!r}, which was not asked for")
    inflater, begun = _gunzip(), False
    async for piece in pieces:
        begun = True
        while piece:
            if inflater.eof:
                if not piece.startswith(_GZIP):
                    return  # what follows the end is no part of it, and may never end
                inflater = _gunzip()
            try:
                yield inflater.decompress(piece, most)
            except zlib.error as error:
                raise WebRefused(f"the answer is not gzip, as it says it is: {error}") from error
            piece = inflater.unused_data
    if begun and not inflater.eof:
        raise WebRefused("the answer broke off")


def _gunzip() -> zlib._Decompress:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError as error:
        raise WebRefused(f"{base} redirects to what is no address: {error}") from error


def _same_site(one: Target, other: Target) -> bool:
    """Whether a redirect stays on a host (with or without `www.`) and its port, and is not downgraded to http."""
    same_host = one.host.removeprefix("www.") == other.host.removeprefix("www.")
    ports_kept = one.port == other.port or (one.port, other.port) == (80, 443)
    return same_host and ports_kept and not (one.scheme == "https" and other.scheme == "http")
