"""`Authentication-Results` count only where our own relay can have written them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mail.authentication import How
from inbox.mail.authentication_results import read_results
from tests.authentication.signing import judged, letter, pair, published, sign

OURS = How(relays=frozenset({"mx.aboard.example"}))
RECEIVED = b"Received: from mail.acme.example (x [192.0.2.9])\r\n\tby mx.aboard.example (Postfix) with ESMTP;\r\n\tMon, 2 Nov 2026 08:00:00 +0000\r\n"
THEIRS = b"Received: from a by relay.evil.example; Mon, 2 Nov 2026 08:00:00 +0000\r\n"
PASSED = b"Authentication-Results: mx.aboard.example;\r\n dkim=pass header.d=acme.example\r\n"
NOTHING = b"Authentication-Results: mx.aboard.example; none\r\n"
FAILED = b"Authentication-Results: mx.aboard.example; dmarc=fail (p=REJECT dis=NONE) header.from=acme.example\r\n"


@pytest.mark.parametrize(
    ("header", "result"),
    [
        (RECEIVED + PASSED, "pass"),
        (PASSED + RECEIVED, "pass"),
        (RECEIVED + RECEIVED + PASSED, "pass"),
        (NOTHING + PASSED + RECEIVED, "pass"),
        (PASSED, "none"),
        (PASSED + THEIRS, "none"),
        (THEIRS + PASSED, "none"),
        (RECEIVED + THEIRS + PASSED, "none"),
        (RECEIVED + NOTHING + PASSED, "none"),
        (RECEIVED + NOTHING + THEIRS + PASSED, "none"),
        (NOTHING + RECEIVED + PASSED, "none"),
        (NOTHING + b"X-Other: 1\r\n" + PASSED + RECEIVED, "none"),
        (RECEIVED.replace(b"by mx.", b"by my.") + PASSED, "none"),
        (
            RECEIVED.replace(b"(x", b"(by mx.aboard.example").replace(
                b"by mx.aboard.example (P", b"by evil.example (P"
            )
            + PASSED,
            "none",
        ),
        (RECEIVED + PASSED.replace(b"Results: mx", b"Results: xx"), "none"),
        (RECEIVED + PASSED.replace(b"d=acme", b"d=evil"), "none"),
        (RECEIVED + PASSED.replace(b"pass", b"fail"), "none"),
        (RECEIVED + FAILED, "fail"),
        (RECEIVED + FAILED.replace(b"REJECT", b"NONE"), "none"),
        (RECEIVED + FAILED.replace(b"=fail (p=REJECT dis=NONE)", b"=pass"), "pass"),
        (
            RECEIVED
            + FAILED.replace(b"=fail (p=REJECT dis=NONE)", b"=pass").replace(b"acme", b"evil"),
            "none",
        ),
    ],
)
def test_only_what_the_relay_itself_wrote_counts(header: bytes, result: str) -> None:
    verdict = judged(header + letter(), how=OURS)
    assert verdict.result == result
    assert judged(header + letter(), how=How()).result == "none"


def test_an_aligned_spf_pass_proves_nothing_but_keeps_a_mail_from_failing() -> None:
    zone = published({"_dmarc.acme.example": [b"v=DMARC1; p=reject"]})
    spf = b"Authentication-Results: mx.aboard.example; spf=pass smtp.mailfrom=bounce@%s\r\n"
    for domain, result in (
        (b"acme.example", "none"),
        (b"mg.acme.example", "none"),
        (b"evil.example", "fail"),
    ):
        assert judged(RECEIVED + spf % domain + letter(), zone, OURS).result == result


def test_a_signature_that_holds_outweighs_what_the_relay_says() -> None:
    raw = RECEIVED + FAILED + sign(letter())
    assert judged(raw, how=OURS).by == "dkim"
    assert judged(RECEIVED + FAILED + sign(letter(), key=pair(2)), how=OURS).result == "fail"


@pytest.mark.parametrize(
    ("value", "results"),
    [
        (b" mx.example 1; dkim=pass", [("dkim", "pass", ())]),
        (
            b' "mx.example" (c (nested) \\) ) 1; dkim/1=pass reason="a; b" header.d=x.example',
            [("dkim", "pass", (("reason", "a; b"), ("header.d", "x.example")))],
        ),
        (b" mx.example; (only) none", []),
        (b" mx.example 2; dkim=pass", None),
        (
            b' mx.example; dkim/2=pass; spf=pass smtp.mailfrom="a b"@x.example',
            [("spf", "pass", (("smtp.mailfrom", "a b"),))],
        ),
        (
            b" mx.example;dkim=pass header.b=a/b+c=;x-odd=what",
            [("dkim", "pass", (("header.b", "a/b+c="),)), ("x-odd", "what", ())],
        ),
        (b"", None),
        (b" ;dkim=pass", None),
        (
            b" mx.example; dkim = \r\n\tpass  header.d\r\n =x.example",
            [("dkim", "pass", (("header.d", "x.example"),))],
        ),
        (b" mx.example; ((((dkim=pass", []),
        (b" mx.example; dkim=", []),
        (b" mx.example; =pass", []),
    ],
)
def test_the_field_is_read_as_rfc_8601_writes_it(value: bytes, results: object) -> None:
    read = read_results(value)
    found = (
        None if read is None else [(one.method, one.result, one.properties) for one in read.results]
    )
    assert found == results


@given(
    st.lists(
        st.sampled_from(
            [
                b";",
                b"=",
                b"(",
                b")",
                b'"',
                b"\\",
                b"/",
                b" ",
                b"\r\n ",
                b"dkim",
                b"pass",
                b"1",
                b"\xff",
            ]
        ),
        max_size=60,
    )
)
def test_no_field_raises(parts: list[bytes]) -> None:
    value = b"".join(parts)
    assert read_results(value) is None or read_results(value) is not None
    assert judged(
        RECEIVED
        + b"Authentication-Results: mx.aboard.example"
        + value.replace(b"\r\n", b" ")
        + b"\r\n"
        + letter(),
        how=OURS,
    ).result in ("none", "fail")
