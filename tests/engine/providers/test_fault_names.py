"""How faults get their names: waits in every spelling, and connections that fail in ways no server can stage."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import httpx2
import pytest

from agent_workbench.engine.providers import faults
from agent_workbench.engine.providers.faults import Caller
from agent_workbench.errors import ProviderFault

CALLER = Caller("work", "https://api.example", "big-1", "BIG_KEY")
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

WAITS = {
    "seconds": ({"retry-after": "7"}, 7.0),
    "fractions": ({"retry-after": "0.5"}, 0.5),
    "with a unit": ({"retry-after": "20s"}, 20.0),
    "milliseconds": ({"retry-after": "250ms"}, 0.25),
    "milliseconds of their own": ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    "a date": ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT"}, 30.0),
    "a date without a zone": ({"retry-after": "Sat, 21 Nov 2026 10:01:00 -0000"}, 60.0),
    "a date in the past": ({"retry-after": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0.0),
    "an hour": ({"retry-after": "3600"}, 3600.0),
    "nothing": ({}, None),
    "empty": ({"retry-after": " "}, None),
    "garbage": ({"retry-after": "soon"}, None),
    "negative": ({"retry-after": "-5"}, None),
    "not a number": ({"retry-after": "nan"}, None),
    "infinite": ({"retry-after": "inf"}, None),
    "enormous": ({"retry-after": "9" * 400}, None),
    "other digits": ({"retry-after": "٣"}, None),
    "a date that is none": ({"retry-after": "Sat, 99 Nov 2026 10:00:30 GMT"}, None),
    "garbage in milliseconds": ({"retry-after-ms": "x", "retry-after": "3"}, 3.0),
}


@pytest.mark.parametrize("name", WAITS)
def test_a_wait_is_read_in_every_spelling(name: str):
    headers, seconds = WAITS[name]
    assert faults.retry_after(headers, NOW) == seconds


def _because(outer: Exception, cause: Exception) -> Exception:
    outer.__cause__ = cause
    return outer


CONNECTIONS: dict[str, tuple[Exception, ProviderFault, bool]] = {
    "connecting took too long": (httpx2.ConnectTimeout(""), "timeout", True),
    "no connection was free": (httpx2.PoolTimeout(""), "timeout", True),
    "silence": (httpx2.ReadTimeout(""), "timeout", True),
    "sending stalled": (httpx2.WriteTimeout(""), "timeout", True),
    "an unknown host": (httpx2.ConnectError("Name or service not known"), "connection", True),
    "a reset": (httpx2.ReadError(""), "interrupted", True),
    "half a response": (httpx2.RemoteProtocolError("incomplete chunked read"), "interrupted", True),
    "a proxy that fails": (httpx2.ProxyError("407"), "interrupted", True),
    "broken compression": (httpx2.DecodingError("not a gzip file"), "protocol", True),
    "an endless event": (httpx2.SSEError("exceeded the limit"), "protocol", True),
    "a certificate nobody signed": (
        _because(httpx2.ConnectError("x"), ssl.SSLCertVerificationError("self-signed certificate")), "setup", False
    ),
    "a slow handshake": (_because(httpx2.ConnectTimeout(""), ssl.SSLWantReadError("x")), "timeout", True),
    "an address of another kind": (httpx2.UnsupportedProtocol("ftp"), "setup", False),
    "a header that cannot be": (httpx2.LocalProtocolError("Illegal header value"), "setup", False),
    "anything else": (RuntimeError("the SDK's own"), "connection", True),
}  # fmt: skip


@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_connection_that_fails_is_named(name: str):
    error, kind, retryable = CONNECTIONS[name]
    fault = faults.unreachable(CALLER, _because(Exception("an SDK's wrapper"), error))
    assert (fault.kind, fault.retryable) == (kind, retryable)
    assert str(fault).startswith("work: ")


def test_a_loop_of_causes_ends():
    one, two = Exception("one"), Exception("two")
    one.__cause__, two.__cause__ = two, one
    assert faults.unreachable(CALLER, one).kind == "connection"


def test_a_message_from_outside_is_one_line_without_control_characters():
    body = '{"error": {"message": "bad\\u001b[31m\\nthing\\u202e", "type": "invalid_request_error"}}'
    text = str(faults.refused(CALLER, 400, {}, body))
    assert text == "work: bad␛[31m thing‹U+202E›."


def test_a_message_without_end_is_cut():
    assert len(str(faults.refused(CALLER, 400, {}, '{"error": {"message": "' + "x" * 10**6 + '"}}'))) < 600


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "Check providers[work].config.api_key or BIG_KEY."), (402, "providers[work].config.api_key"),
     (404, "Check providers[work].config.base_url (https://api.example).")],
)  # fmt: skip
def test_what_to_change_is_said_by_its_place(status: int, says: str):
    assert says in str(faults.refused(CALLER, status, {}, "nope"))


def test_a_message_that_only_names_the_model_becomes_a_sentence():
    body = '{"type": "error", "error": {"type": "not_found_error", "message": "model: claude-nope-1"}}'
    fault = faults.refused(Caller("work", "https://a.b", "claude-nope-1"), 404, {}, body)
    assert (fault.kind, fault.config_path) == ("model", "providers[work].config.default_model")
    assert str(fault).startswith("work: there is no model claude-nope-1 for this key. Check ")
