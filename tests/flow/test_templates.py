"""Mail templates: what is refused, what is rendered, and that none can do harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox import shipped
from inbox.flow.texts.render import (
    ALWAYS,
    THEIRS,
    MailTemplates,
    TemplateTrouble,
    load_templates,
)
from inbox.flow.texts.render_samples import SAMPLES

GOOD = {
    "hello/about.yaml": "why: To say hello.\nrole: asks\n",
    "hello/subject.txt": "Hello {{ contact.first_name }}",
    "hello/body.txt": "Still open:\n{% for one in asks %}- {{ one }}\n{% endfor %}Bye.\n",
    "hello/body.html": "<p>{{ contact.name }}</p>",
    "hello/subject.de.txt": "Hallo",
    "hello/body.de.txt": "Noch offen.",
}


def loaded(**changed: str | None) -> tuple[MailTemplates, list[tuple[str, str, str]]]:
    """The good template with files replaced (`None`: taken away) and (file, code, sentence)."""
    files = dict(GOOD)
    for name, content in changed.items():
        path = f"hello/{name.replace('__', '.')}"
        if content is None:
            files.pop(path)
        else:
            files[path] = content
    found, problems = load_templates(files)
    return found, [(one.file, one.code, one.message) for one in problems]


def shipped_templates() -> MailTemplates:
    root = shipped.TEMPLATES / "mail"
    files = {f"{one.parent.name}/{one.name}": one.read_text() for one in root.glob("*/*")}
    found, problems = load_templates(files)
    assert problems == ()
    return found


def test_those_that_come_with_the_program_are_good_in_every_language() -> None:
    found = shipped_templates()
    assert {"acknowledgement", "after-hours", "first-response-late", "next-response-late"} <= set(
        found.names
    )
    assert {"waiting-for-you", "handoff-introduction", "welcome", "check-in", "resolution"} <= set(
        found.names
    )
    assert "closing-notice" in found.names
    for name in found.names:
        assert {"en", "de"} <= set(found.by_name[name].languages)
        for language in found.by_name[name].languages:
            for values in SAMPLES.values():
                written = found.render(name, language, values)
                assert "{{" not in written.text.replace("{{x}}", "")
                assert "\n\n\n" not in written.text


def test_an_acknowledgement_repeats_nothing_that_the_sender_wrote() -> None:
    found = shipped_templates()
    for name in found.names:
        if found.by_name[name].role != "acknowledges":
            continue
        for language in found.by_name[name].languages:
            plain = found.render(name, language, SAMPLES["plain"])
            for theirs in ("Ana", "Acme", "contract"):
                assert theirs not in plain.subject + plain.text


def test_the_reader_gets_their_language_else_english() -> None:
    found, problems = loaded()
    assert problems == []
    values = SAMPLES["plain"]
    assert found.render("hello", "de-AT", values).language == "de"
    assert found.render("hello", "DE", values).text == "Noch offen.\n"
    english = found.render("hello", "fi", values)
    assert (english.language, english.subject) == ("en", "Hello Ana")
    assert english.text == "Still open:\n- the signed contract\n- a list of users\nBye.\n"


def test_html_is_escaped_and_a_subject_stays_one_line() -> None:
    found, _ = loaded()
    values = {
        **SAMPLES["plain"],
        "contact": {"name": "<i>&", "first_name": "a\r\nBcc: x@y.example"},
    }
    written = found.render("hello", "en", values)
    assert written.html == "<p>&lt;i&gt;&amp;</p>"
    assert written.subject == "Hello a Bcc: x@y.example"


def test_a_subject_that_quotes_a_long_one_is_cut() -> None:
    found, _ = loaded()
    values = {**SAMPLES["plain"], "contact": {"name": "x", "first_name": "word " * 100}}
    subject = found.render("hello", "en", values).subject
    assert 190 < len(subject) <= 200
    assert subject.endswith("\u2026")


def test_a_missing_value_parks_the_item_and_says_which() -> None:
    found, _ = loaded()
    values = {name: value for name, value in SAMPLES["plain"].items() if name != "contact"}
    with pytest.raises(TemplateTrouble, match=r"hello/subject\.txt: 'contact' is undefined"):
        found.render("hello", "en", values)
    with pytest.raises(TemplateTrouble, match=r"there is no mail template 'helo'.*hello"):
        found.render("helo", "en", values)


def test_a_result_that_is_too_large_is_refused() -> None:
    found, _ = loaded()
    values = {**SAMPLES["plain"], "asks": ["x" * 2000] * 50}
    with pytest.raises(TemplateTrouble, match=r"it gives 10.* characters, the most is 65536"):
        found.render("hello", "en", values)


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("about__yaml", None, "missing-file", "`about.yaml` is missing"),
        ("about__yaml", "why: x\nrole: begs\n", "bad-value", '`role` cannot be "begs"'),
        ("about__yaml", "role: asks\n", "missing-key", "needs the key `why`"),
        ("subject__txt", None, "missing-file", "`subject.txt` is missing"),
        ("body__de__txt", None, "missing-file", "`body.de.txt` is missing"),
        ("body__doc", "x", "unknown-file", "`body.doc` is not read"),
        ("subject__html", "x", "unknown-file", "`subject.html` is not read"),
        ("subject__txt", "one\ntwo", "two-lines", "a subject is one line"),
        ("body__txt", " \n", "empty-file", "it is empty"),
        ("body__txt", "x" * 40_000, "too-large", "over 32768 characters"),
        ("body__txt", "{{ contact.name", "syntax", "unexpected end"),
        ("body__txt", "{% if asks %}x", "syntax", "Unexpected end of template"),
        ("body__txt", "{{ contact.nmae }}", "unknown-variable", "there is no `contact.nmae` here"),
        ("body__txt", "{{ contact.__class__ }}", "unknown-variable", "`contact.__class__`"),
        ("body__txt", "{{ 'a' * 999999999 }}", "not-allowed", "`mul` is not allowed"),
        ("body__txt", "{{ 'a' ~ 'b' }}", "not-allowed", "`concat` is not allowed"),
        ("body__txt", "{{ '%99999999d' % 3 }}", "not-allowed", "`mod` is not allowed"),
        ("body__txt", "{{ range(9) }}", "not-allowed", "`call` is not allowed"),
        ("body__txt", "{% set x = 1 %}x", "not-allowed", "`assign` is not allowed"),
        ("body__txt", "{% include 'x' %}", "not-allowed", "`include` is not allowed"),
        ("body__txt", "{% macro m() %}{% endmacro %}x", "not-allowed", "`macro` is not allowed"),
        ("body__txt", "{{ asks[0] }}", "not-allowed", "`getitem` is not allowed"),
        ("body__txt", "{{ contact.name|center(999999) }}", "unknown-filter", "no filter `center`"),
        ("body__txt", "{% for x in 'abc' %}x{% endfor %}", "not-a-list", "`?` is no list"),
        ("body__txt", "{% for x in contact.name %}x{% endfor %}", "not-a-list", "`contact.name`"),
        (
            "body__txt",
            "{% for a in asks %}{% for b in asks %}{% for c in asks %}x{% endfor %}"
            "{% endfor %}{% endfor %}",
            "too-deep",
            "loops stand at most 2 deep",
        ),
        (
            "body__txt",
            "{% for a in asks %}{% for b in asks %}" + "x" * 40 + "{% endfor %}{% endfor %}",
            "cannot-render",
            "with the worst sample: it gives 100000 characters",
        ),
        ("body__txt", "{% if asks %}x{% endif %}", "renders-empty", "with the empty sample"),
    ],
)
def test_what_is_wrong_is_said_and_the_template_is_not_used(
    name: str, content: str | None, code: str, said: str
) -> None:
    found, problems = loaded(**{name: content})
    assert [one[1] for one in problems] == [code], problems
    assert said in problems[0][2]
    assert found.names == ()


def test_an_acknowledgement_may_not_use_what_the_sender_wrote() -> None:
    _, problems = loaded(about__yaml="why: x\nrole: acknowledges\n", subject__txt="We have it")
    assert {one[1] for one in problems} == {"unknown-variable", "not-a-list"}


def test_one_bad_template_leaves_the_others() -> None:
    files = GOOD | {name.replace("hello", "other"): text for name, text in GOOD.items()}
    files["hello/body.txt"] = "{{ nothing }}"
    found, problems = load_templates(files)
    assert found.names == ("other",)
    assert [one.file for one in problems] == ["templates/mail/hello/body.txt"]


@given(st.text(max_size=200))
def test_any_text_as_a_template_is_read_or_refused_and_never_raises(source: str) -> None:
    found, problems = loaded(body__txt=source)
    assert bool(problems) != ("hello" in found.names)


PIECES = ("{{", "}}", "{%", "%}", " for one in asks ", " if asks ", " one ", " endfor ", " endif ")
PIECES += (" else ", "contact.name", "|", "e", "x", "\n", " not ", " and ")


@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_any_pieces_of_template_language_too(pieces: list[str]) -> None:
    found, problems = loaded(body__txt="".join(pieces))
    assert bool(problems) != ("hello" in found.names)


def test_every_variable_has_a_sample_and_a_meaning() -> None:
    for name, meaning in (ALWAYS | THEIRS).items():
        assert meaning
        value: object = SAMPLES["plain"]
        for step in name.split("."):
            assert isinstance(value, dict)
            value = value[step]
    assert Path(shipped.TEMPLATES / "mail" / "README.md").exists()
