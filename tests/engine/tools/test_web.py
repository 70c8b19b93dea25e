"""The web: pages as text, and every way inside refused. The server is on loopback, allowed where a test says so."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent_workbench.engine.permissions import PermissionManager, parse_rule
from agent_workbench.engine.ports import MountContext, ToolContext, ToolOutcome
from agent_workbench.engine.tools.web import WebConfig, create
from agent_workbench.engine.tools.web_client import WebClient, WebRefused, is_public, target
from agent_workbench.engine.tools.web_text import decoded, readable

PAGE = """<!doctype html><title>The &amp; page</title><style>p {}</style><script>evil()</script>
<h1>Head</h1><p>One <b>two</b>&nbsp;three <a href="/next?a=1&amp;b=2">next</a><ul><li>a<li>b</ul>
<pre>  code
    more</pre><noscript>no</noscript><img alt="a cat" src=x><a href="javascript:evil()">js</a>"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.seen.append((self.path, {key.lower(): value for key, value in self.headers.items()}))  # type: ignore[attr-defined]
        status, headers, body = self.answer(self.path)
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        try:
            for piece in [body] if isinstance(body, bytes) else body:
                self.wfile.write(piece)
        except OSError:
            pass

    def answer(self, path: str) -> tuple[int, dict[str, str], Any]:
        html, port = {"content-type": "text/html; charset=utf-8"}, self.server.server_address[1]
        bomb = {**html, "content-encoding": "gzip"}
        match path.partition("?")[0]:
            case "/page":
                return 200, html, PAGE.encode()
            case "/zipped":
                return 200, bomb, gzip.compress(PAGE.encode())
            case "/bomb":
                return 200, bomb, gzip.compress(b"0" * 50_000_000)
            case "/zip-and-endless":
                return 200, bomb, chain([gzip.compress(b"all of it")], repeat(b"\0" * 65_536))
            case "/two-zips":
                return 200, bomb, gzip.compress(b"one ") + gzip.compress(b"two")
            case "/half-a-zip":
                return 200, bomb, gzip.compress(PAGE.encode())[:-20]
            case "/nowhere":
                return 302, {"location": "http://[::1/"}, b""
            case "/bad-zip":
                return 200, bomb, b"not gzip"
            case "/brotli":
                return 200, {**html, "content-encoding": "br"}, b"x"
            case "/endless":
                return 200, {"content-type": "text/plain"}, iter(lambda: b"x" * 65_536, None)
            case "/slow":
                time.sleep(1)
                return 200, html, b""
            case "/picture":
                return 200, {"content-type": "image/png"}, b"\x89PNG"
            case "/missing":
                return 404, html, b"<p>gone"
            case "/here":
                return 302, {"location": "/page"}, b""
            case "/round":
                return 302, {"location": "/round"}, b""
            case "/inside":
                return 302, {"location": f"http://localhost:{port}/page"}, b""
            case "/www":
                return 302, {"location": f"http://www.rebind.example:{port}/page"}, b""
            case "/metadata":
                return 302, {"location": "http://169.254.169.254/latest/meta-data/"}, b""
            case "/file":
                return 302, {"location": "file:///etc/passwd"}, b""
            case "/search":
                found = [{"title": "One\n\x1b[31m", "url": "https://one.example", "content": "x" * 900}, "junk", {}]
                return 200, {"content-type": "application/json"}, json.dumps({"results": found * 3}).encode()
            case _:
                return 200, {"content-type": "text/plain"}, b"plain"

    def log_message(self, *arguments: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    seen: list[tuple[str, dict[str, str]]]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.seen = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


async def fetch(server: Server, path: str, config: dict[str, Any] | None = None, **more: Any) -> ToolOutcome:
    made, *_ = create(WebConfig.model_validate({"allow_private": [server.host], **(config or {})}), CONTEXT)
    return await made.run({"url": f"http://{server.host}{path}", **more}, ToolContext("s", Path("/")))


CONTEXT = MountContext({}, Path("/"))


async def test_a_page_is_text_with_headings_lists_links_and_code(server):
    outcome = await fetch(server, "/page")
    first, rest = outcome.content.split("\n", 1)
    assert first == f"[http://{server.host}/page: The & page]"
    assert rest == (
        f"# Head\n\nOne two three [next](http://{server.host}/next?a=1&b=2)\n\n- a\n- b\n\n"
        "```\n  code\n    more\n```\n[picture: a cat]js"
    )
    ((_, headers),) = server.seen
    assert headers["host"] == server.host
    assert "cookie" not in headers
    assert "authorization" not in headers


ANSWERS = {
    "compressed": ("/zipped", {}, "# Head", False),
    "a redirect on its host": ("/here", {}, "# Head", False),
    "plain text": ("/plain", {}, "plain", False),
    "in parts": ("/plain?x", {"offset": 1, "limit": 2}, "la\n[2 more characters; go on with offset=3]", False),
    "an error page": ("/missing", {}, "answered 404", True),
    "a picture": ("/picture", {}, "is image/png (4 bytes), not text", True),
    "a redirect in a circle": ("/round", {}, "redirects more than 5 times", True),
    "an encoding that was not asked for": ("/brotli", {}, "'br'", True),
    "broken compression": ("/bad-zip", {}, "not gzip", True),
    "compressed and endless bytes behind it": ("/zip-and-endless", {}, "all of it", False),
    "compressed in parts": ("/two-zips", {}, "one two", False),
    "compressed and cut off": ("/half-a-zip", {}, "the answer broke off", True),
    "a redirect to what is no address": ("/nowhere", {}, "redirects to what is no address", True),
    "a redirect to a file": ("/file", {}, "only http and https", True),
    "a redirect to another host": ("/inside", {}, "redirects to another host: http://localhost", False),
    "a redirect to metadata": ("/metadata", {}, "redirects to another host: http://169.254.169.254", False),
}


@pytest.mark.parametrize(("path", "more", "words", "failed"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_answers(server, path, more, words, failed):
    outcome = await fetch(server, path, **more)
    assert words in outcome.content
    assert outcome.is_error is failed
    assert len(server.seen) <= 6


@pytest.mark.parametrize("path", ["/bomb", "/endless"])
async def test_what_never_ends_is_cut(server, path):
    began = time.monotonic()
    outcome = await fetch(server, path, {"max_bytes": 100_000})
    assert "longer than what was read" in outcome.content
    assert time.monotonic() - began < 5


async def test_a_server_that_does_not_answer_is_given_up(server):
    outcome = await fetch(server, "/slow", {"timeout": 0.1})
    assert outcome.content.endswith("did not answer within 0.1 seconds")


LOOPBACK = [
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1",
    "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "0.0.0.0", "0", "[::]",
    "１２７.０.０.１", "ⓛocalhost", "127.255.255.254", "[::127.0.0.1]", "127。0。0。1",
]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
async def test_loopback_is_refused_in_every_spelling(server, host):
    (made,) = create(WebConfig(), CONTEXT)
    port = server.server_address[1]
    outcome = await made.run({"url": f"http://{host}:{port}/page"}, ToolContext("s", Path("/")))
    assert outcome.is_error, outcome.content
    assert server.seen == []


INSIDE = [
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "198.18.0.1", "127.0.0.1", "::1", "::", "fe80::1",
    "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:db8::1", "fe80::1%1", "::a00:1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_an_address_outside_is_public(address):
    assert is_public(address)


async def test_a_name_with_one_address_inside_is_refused_before_anything_is_sent():
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ("93.184.215.14", "127.0.0.1")

    with pytest.raises(WebRefused, match="not on the public internet"):
        await WebClient(resolve=resolve).get("http://example.com/")


async def test_a_name_that_changes_is_resolved_once_and_that_address_is_used(server):
    answers = [("127.0.0.1",), ("10.0.0.1",)]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    port = server.server_address[1]
    client = WebClient(private=frozenset({"rebind.example"}), resolve=resolve)
    answer = await client.get(f"http://rebind.example:{port}/plain")
    assert answer.body == b"plain"
    assert len(answers) == 1
    assert server.seen[0][1]["host"] == f"rebind.example:{port}"


async def test_a_redirect_within_a_site_is_resolved_and_checked_again(server):
    port = server.server_address[1]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ("127.0.0.1",)

    client = WebClient(private=frozenset({"rebind.example"}), resolve=resolve)
    with pytest.raises(WebRefused, match=r"www\.rebind\.example is 127\.0\.0\.1"):
        await client.get(f"http://rebind.example:{port}/www")
    assert [path for path, _ in server.seen] == ["/www"]


ADDRESSES = {
    "another scheme": "ftp://example.com/",
    "a file": "file:///etc/passwd",
    "no scheme": "example.com",
    "a user name": "http://docs.python.org@evil.example/",
    "a password": "http://a:b@example.com/",
    "a backslash": "http://example.com\\@evil.example/",
    "a line break": "http://example.com/\r\nHost: x",
    "a blank": "http://example.com/a b",
    "no host": "http:///x",
    "a port that is none": "http://example.com:99999/",
    "an empty label": "http://a..b/",
    "an over-long address": "http://example.com/" + "a" * 5000,
    "a percent sign in the host": "http://%31%32%37.0.0.1/",
    "a broken bracket": "http://[::1/",
    "a zone": "http://[fe80::1%25eth0]/",
    "a number that is no address": "http://1.2.3.4.5/",
    "a name that ends in a number": "http://example.0x1/",
}


@pytest.mark.parametrize("url", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(WebRefused):
        target(url)


SUBJECTS = {
    "plain": ("https://Docs.Python.org/3/", "docs.python.org"),
    "a port of its own": ("https://docs.python.org:8443/", "docs.python.org:8443"),
    "a final dot": ("https://docs.python.org./", "docs.python.org"),
    "look-alike letters": ("https://dоcs.python.org/", "xn--dcs-sed.python.org"),
    "an address of version 6": ("http://[2606:4700::1]:80/", "[2606:4700::1]"),
}


@pytest.mark.parametrize(("url", "subject"), SUBJECTS.values(), ids=SUBJECTS.keys())
def test_a_rule_sees_the_host_as_it_is_fetched(url, subject):
    (made,) = create(WebConfig(), CONTEXT)
    intent = made.intent({"url": url}, ToolContext("s", Path("/")))
    assert (intent.access, intent.subject) == ("network", subject)
    manager = PermissionManager(Path("/work"), (parse_rule("web_fetch(docs.python.org)", "allow", "user"),))
    expected = "allow" if subject == "docs.python.org" else "ask"
    assert manager.check("web_fetch", intent).decision == expected


DOMAINS = {
    "allowed": ({"allowed_domains": ["python.org"]}, "docs.python.org", True),
    "not allowed": ({"allowed_domains": ["python.org"]}, "example.com", False),
    "one that ends alike": ({"allowed_domains": ["python.org"]}, "evilpython.org", False),
    "one that begins alike": ({"allowed_domains": ["python.org"]}, "python.org.evil.example", False),
    "blocked": ({"blocked_domains": ["*.evil.example"]}, "a.evil.example", False),
    "blocked wins": ({"allowed_domains": ["a.b"], "blocked_domains": ["a.b"]}, "a.b", False),
}


@pytest.mark.parametrize(("config", "host", "passes"), DOMAINS.values(), ids=DOMAINS.keys())
def test_configured_domains(config, host, passes):
    (made,) = create(WebConfig.model_validate(config), CONTEXT)
    if passes:
        made._permitted(host)
    else:
        with pytest.raises(WebRefused):
            made._permitted(host)


SPELLINGS = [
    "1.2.3.4", "16909060", "0x01020304", "0x1.2.3.4", "001.002.003.004", "1.2.772", "１.2.3.4", "[::ffff:1.2.3.4]",
]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
async def test_a_blocked_address_is_blocked_in_every_spelling(host):
    (made,) = create(WebConfig(blocked_domains=["1.2.3.4"]), CONTEXT)
    context = ToolContext("s", Path("/"))
    assert made.intent({"url": f"http://{host}/"}, context).subject == "1.2.3.4"
    outcome = await made.run({"url": f"http://{host}/"}, context)
    assert outcome.content == "1.2.3.4 is one of the configured blocked domains"


@pytest.mark.parametrize("written", ["bücher.example", "BÜCHER.example.", "*.bücher.example", "xn--bcher-kva.example"])
async def test_a_blocked_name_is_blocked_in_every_alphabet(written):
    (made,) = create(WebConfig(blocked_domains=[written]), CONTEXT)
    outcome = await made.run({"url": "https://www.bücher.example/"}, ToolContext("s", Path("/")))
    assert "blocked domains" in outcome.content


@pytest.mark.parametrize("written", ["https://evil.example", "evil.example:80", "", "a..b", "evil.example/path"])
def test_a_domain_that_could_never_fit_is_refused(written):
    with pytest.raises(ValidationError, match="no host name"):
        WebConfig(blocked_domains=[written])


async def test_searching_asks_the_engine_that_is_configured(server):
    config = WebConfig(search_url=f"http://{server.host}/search?lang=en", max_results=2)
    _, search = create(config, CONTEXT)
    intent = search.intent({"query": "a & b"}, ToolContext("s", Path("/")))
    assert (intent.subject, intent.preview) == (server.host, "search for a & b")
    outcome = await search.run({"query": "a & b"}, ToolContext("s", Path("/")))
    assert server.seen[0][0] == "/search?lang=en&q=a+%26+b&format=json"
    title, url, _ = outcome.content.split("\n\n")[0].split("\n")
    assert (title.startswith("One "), url) == (True, "https://one.example")
    assert "\x1b" not in outcome.content
    assert outcome.details["results"] == 2


async def test_an_engine_that_answers_no_results_says_so(server):
    _, search = create(WebConfig(search_url=f"http://{server.host}/page"), CONTEXT)
    assert "is JSON switched on" in (await search.run({"query": "x"}, ToolContext("s", Path("/")))).content


def test_without_an_engine_there_is_no_search_and_it_says_so():
    made = create(WebConfig(), CONTEXT)
    assert [tool.spec.name for tool in made] == ["web_fetch"]
    assert "not set up" in made[0].spec.description
    with pytest.raises(ValidationError):
        WebConfig(search_url="file:///etc/passwd")


TEXTS = {
    "by the header": ("é".encode("latin-1"), "text/html; charset=ISO-8859-1", "é"),
    "by the page": (b'<meta charset="windows-1252">\x80', "text/html", '<meta charset="windows-1252">€'),
    "by default": ("é".encode(), "text/html", "é"),
    "not by a codec that pages do not have": (b"abc-", "text/html; charset=punycode", "abc-"),
    "not by one that is none": (b"abc", "text/html; charset=nope", "abc"),
    "whatever it holds": (b"\xff\xfe\x00", "text/plain", "\ufffd\ufffd\x00"),
}


@pytest.mark.parametrize(("body", "kind", "text"), TEXTS.values(), ids=TEXTS.keys())
def test_a_body_is_read_by_its_charset(body, kind, text):
    assert decoded(body, kind) == text


NASTY = {
    "deep": "<div>" * 100_000 + "x",
    "unclosed": "<a href='" * 20_000,
    "comments": "<!--" * 20_000,
    "declarations": "<!" * 20_000,
    "entities": "&#x41;" * 50_000,
    "ends alone": "</p>" * 50_000 + "x",
    "hidden without an end": "<script>" * 50_000,
    "numbers without an end": "&#" + "9" * 100_000,
    "one long attribute": f"<a {'a' * 3990}>" * 50,
    "attributes without a value": f"<a {'a ' * 1990}>" * 50,
    "quotes in a tag": "<a " + "x='y\" " * 50_000 + ">",
    "ends of what holds text": "<title>" + "</titl" * 50_000,
}


@pytest.mark.parametrize("html", NASTY.values(), ids=NASTY.keys())
async def test_a_hostile_page_costs_little(html):
    began = time.monotonic()
    await asyncio.to_thread(readable, html, "http://x/")
    assert time.monotonic() - began < 3
