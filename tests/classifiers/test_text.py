"""What the model sees of a mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.text import (
    MAX_WORD_LENGTH,
    MAX_WORDS,
    QUOTED_WEIGHT,
    MailText,
    attachment_words,
    readable,
    sender_signals,
    split,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello WORLD", ["hello", "world"]),
        ("Straße und STRASSE", ["strasse", "und", "strasse"]),
        ("ﬁle ｗｉｄｅ", ["file", "wide"]),
        ("invoice 4711 of 12.05.2024", ["invoice", "#", "of", "#", "#", "#"]),
        ("SOC2 and ISO27001", ["soc#", "and", "iso#"]),
        ("see https://example.org/a?b=c now", ["see", "#url", "now"]),
        ("write to jane.doe@example.org please", ["write", "to", "#address", "please"]),
        ("snake_case_name", ["snake", "case", "name"]),
        ("٣٤ أيام", ["#", "أيام"]),
        ("登录失败", ["登录", "录失", "失败"]),
        ("API 错误 ok", ["api", "错误", "ok"]),
        ("错", ["错"]),
        ("ใบแจ้ง", None),
        ("", []),
        ("   \n\t!?", []),
    ],
)
def test_a_text_becomes_plain_comparable_words(text: str, words: list[str] | None) -> None:
    found = split(text)
    if words is None:
        assert found
    else:
        assert found == words


@given(st.text(max_size=400))
def test_no_text_leaves_a_digit_an_address_or_an_endless_word(text: str) -> None:
    for word in split(text):
        assert word
        assert len(word) <= MAX_WORD_LENGTH
        assert not any(character.isdecimal() for character in word)
        assert "@" not in word


@given(st.text(alphabet=st.characters(), max_size=60), st.text(max_size=60))
def test_any_unicode_even_lone_surrogates_gives_words(subject: str, body: str) -> None:
    mail = MailText(subject, body + "\ud800", body, (subject, body), subject)
    assert all(count > 0 for count in words_of(mail).single.values())


def test_a_long_mail_is_read_up_to_its_cap() -> None:
    assert len(split("word " * 50_000)) == MAX_WORDS
    assert len(split("x" * 1_000_000)) <= MAX_WORDS


def test_quoted_history_counts_less_than_what_was_written() -> None:
    words = words_of(MailText(visible="error error", quoted="error contract"))
    assert words.single["error"] == 2 + QUOTED_WEIGHT
    assert words.single["contract"] == QUOTED_WEIGHT
    assert words.pairs["error", "error"] == 1
    assert words.pairs["error", "contract"] == QUOTED_WEIGHT


def test_file_names_are_words_and_kinds() -> None:
    found = attachment_words(["DPA_signed-2024.PDF", "no extension", "archive.tar.gz"])
    assert found[:4] == ["dpa", "signed", "#", "#file pdf"]
    assert "#file gz" in found
    assert "extension" in found


@pytest.mark.parametrize(
    ("sender", "signals"),
    [
        ("billing@acme.example", ("#from billing",)),
        ("No Reply <no-reply@acme.example>", ("#from noreply", "#from reply")),
        ("jane@gmail.com", ("#from public",)),
        ("jane@acme.example", ()),
        ("", ()),
        ("nonsense", ()),
        ("<<>@@", ()),
    ],
)
def test_a_sender_gives_roles_and_never_an_address(sender: str, signals: tuple[str, ...]) -> None:
    assert sender_signals(sender) == signals


def test_placeholders_are_readable_for_people() -> None:
    assert readable("#from billing") == "sender: billing"
    assert readable("#file pdf") == "attachment: .pdf"
    assert readable("#url") == "(web address)"
    assert readable("contract") == "contract"
