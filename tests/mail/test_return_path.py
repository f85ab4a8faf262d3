"""The reverse-path that the last server wrote on top."""

from __future__ import annotations

import pytest

from inbox.mail.return_path import return_path


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"Return-Path: <ana@acme.example>\r\nFrom: x\r\n\r\nBody", "ana@acme.example"),
        (b"Delivered-To: us\r\nRETURN-PATH:  <>\r\nFrom: x\r\n\r\n", ""),
        (b"Return-Path:\r\n <ana@acme.example>\r\nFrom: x\r\n\r\n", "ana@acme.example"),
        (b"Return-Path: ana@acme.example\nFrom: x\n\n", "ana@acme.example"),
        (b"Return-Path: <first@a.example>\r\nReturn-Path: <second@b.example>\r\n\r\n", "first@a.example"),
        (b"From: x\r\n\r\nReturn-Path: <in@the.body>\r\n\r\n", None),
        (b"X-Return-Path: <a@b.example>\r\nSubject: Return-Path: <c@d.example>\r\n\r\n", None),
        (b"", None),
        (b"Return-Path: <" + b"a" * 5000 + b">\r\n\r\n", None),
        (b"Return-Path: <a\0b@acme.example>\r\n\r\n", None),  # PostgreSQL keeps no NUL
        (b"Return-Path: <a\x01b@acme.example>\r\n\r\n", None),
        (b"Return-Path: a b\r\nReturn-Path: <eve@evil.example>\r\n\r\n", None),
        (b"Return-Path:" + b" " * 200_000 + b"x y\r\n\r\n", None),  # hours, if blanks go back
        (b"Return-Path:\r\n" + b" \t" * 100_000 + b"x y\r\n\r\n", None),
    ],
)  # fmt: skip
def test_what_the_topmost_field_says(raw: bytes, found: str | None) -> None:
    assert return_path(raw) == found
