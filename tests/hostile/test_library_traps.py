"""The traps of the libraries that we stand on, found by probing them, each with the tests that
show that we do not fall into it.

Numbers are those of the reference of 2026 (reliability.md, section 3). A proof that is renamed or
deleted fails here, and so does a trap that is left without one.
"""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from inbox.cli.parsed import parsed
from inbox.mail.parse import parse_letter
from routing.hours import Calendar
from tests.shared import REPO

TRAPS: dict[int, tuple[str, ...]] = {
    # aiosmtpd answers 500 with the exception's text
    1: ("net/test_smtp_in.py::test_a_failure_inside_is_try_again_and_tells_nothing",),
    # aiosmtpd has no caps, keeps bare newlines, runs pipelined sessions
    2: (
        "net/test_smtp_in.py::test_one_connection_too_many_is_told_to_come_later",
        "net/test_smtp_in.py::test_mails_under_way_share_one_budget_of_memory",
        "net/test_smtp_in.py::test_bytes_are_kept_as_they_were_sent",
        "net/test_dialogs.py::test_the_dialogue_goes_as_written",
    ),
    # aiosmtpd refuses lines over 1,001 bytes: here one of a megabyte is taken
    3: ("net/test_smtp_in.py::test_bytes_are_kept_as_they_were_sent",),
    # smuggling by ends of data that are none
    4: (
        "net/test_smtp_in.py::test_nothing_but_crlf_dot_crlf_ends_a_mail",
        "hostile/test_library_traps.py::test_libraries_with_known_holes_are_pinned_above_them",
    ),
    # email.policy.default takes gigabytes for a field of encoded words
    5: (
        "mail/test_hostile.py::test_a_hostile_mail_is_read_or_refused_within_two_seconds",
        "mail/test_hostile.py::test_80_000_encoded_words_are_decoded_in_two_seconds",
        "hostile/test_workers.py::test_hostile_mail_is_filed_or_quarantined_within_limits_and_the"
        "_next_is_filed",
    ),
    # parentheses, brackets, commas and thousands of addresses
    6: (
        "mail/test_hostile.py::test_a_hostile_mail_is_read_or_refused_within_two_seconds",
        "mail/test_hostile.py::test_50_000_recipients_are_read_in_two_seconds",
    ),
    # nesting and 100,000 parts
    7: ("mail/test_hostile.py::test_a_hostile_mail_is_read_or_refused_within_two_seconds",),
    # mail-parser loses fields by their names, keeps names that climb, sees one of two From fields
    8: (
        "hostile/test_library_traps.py::test_no_name_of_a_field_hides_another_or_breaks_the_json",
        "mail/test_hostile.py::test_the_name_of_an_attachment_is_cleaned",
        "mail/test_hostile.py::test_two_from_fields_give_all_authors_and_a_defect",
        "hostile/test_library_traps.py::test_libraries_with_known_holes_are_pinned_above_them",
    ),
    # a decoded subject with line ends makes a thread that can never be answered
    9: (
        "mail/test_hostile.py::test_line_breaks_in_a_decoded_subject_do_not_make_a_header_field",
        "sending/test_writing.py::test_no_text_makes_another_field_or_is_lost",
    ),
    # Python's re takes exponential time
    10: (
        "routing/test_evil_patterns.py::test_an_evil_pattern_is_linear",
        "routing/test_evil_patterns.py::test_no_part_of_routing_that_sees_mail_uses_pythons_own"
        "_patterns",
    ),
    # Jinja2's sandbox allows a gigabyte of `a`, and prints nothing for a misspelt name
    11: (
        "flow/test_templates.py::test_what_is_wrong_is_said_and_the_template_is_not_used",
        "flow/test_templates.py::test_a_missing_value_parks_the_item_and_says_which",
        "flow/test_templates.py::test_a_result_that_is_too_large_is_refused",
    ),
    # PyYAML reads 18:30 as 1110 and `no` as false, takes the last of two keys, recurses
    12: (
        "routing/test_strict_yaml.py::test_a_scalar_means_what_the_core_schema_subset_says",
        "routing/test_strict_yaml.py::test_the_depth_is_capped_without_recursion",
        "routing/test_hours.py::test_country_no_is_norway_and_a_time_is_no_number",
    ),
    # instants of one zone subtract as wall clocks
    13: (
        "hostile/test_library_traps.py::test_a_weekend_of_47_hours_is_47_hours_long",
        "routing/test_hours_oracle.py::test_business_time_equals_the_minute_oracle_in_a_sample_of_zones"
        "_and_years",
    ),
    # smtplib tells a drop before the final dot from one after it by nothing
    14: (
        "sending/test_smtp_out.py::test_each_ending_has_its_outcome",
        "sending/test_cuts.py::test_a_cut_anywhere_loses_nothing_and_doubles_nothing",
    ),
    # starttls() of the standard library checks no certificate
    15: (
        "sending/test_smtp_out.py::test_an_untrusted_certificate_or_none_sends_nothing",
        "polling/test_connection.py::test_implicit_tls_and_starttls_are_verified",
    ),
    # dkimpy passes l= signatures after text was appended
    16: (
        "authentication/test_signatures.py::test_a_signature_that_leaves_text_uncovered_counts_as"
        "_none",
    ),
    # control characters in addresses and names of folders make commands
    17: (
        "sending/test_smtp_out.py::test_no_text_at_all_makes_a_second_command",
        "sending/test_smtp_out.py::test_what_is_no_address_never_reaches_a_socket",
        "polling/test_connection.py::test_control_characters_never_reach_the_server",
    ),
    # the body of an expunged UID is `{}` without an error; UIDs are given anew
    18: (
        "polling/test_poll.py::test_mail_that_is_moved_or_removed_before_it_is_fetched_is_gone",
        "polling/test_poll.py::test_uids_given_anew_bring_no_double_and_no_automatic_mail",
    ),
    # IDLE never notices a dead peer
    19: (
        "polling/test_connection.py::test_a_dead_line_in_idle_is_noticed_at_the_next_poll",
        "polling/test_connection.py::test_a_silent_server_is_left",
    ),
    # model files that run code, or that carry what they were trained on
    20: (
        "classifiers/test_artifact.py::test_an_altered_file_with_a_forged_checksum_is_refused_or"
        "_the_same_model",
        "classifiers/test_artifact.py::test_the_vocabulary_holds_no_digit_and_no_address",
        "test_house.py::test_nothing_that_we_load_can_run_code",
    ),
}
"""Each trap with its proofs, by file and function below tests/."""


@cache
def functions_of(file: str) -> frozenset[str]:
    """Names of the functions of a test file."""
    tree = ast.parse((REPO / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("number", range(1, 21))
def test_every_trap_has_its_proofs(number: int) -> None:
    for proof in TRAPS[number]:
        file, _, name = proof.partition("::")
        assert name in functions_of(file), f"trap {number}: there is no {proof}"


def test_no_name_of_a_field_hides_another_or_breaks_the_json() -> None:
    names = ("Parse", "Message", "Mail", "Body", "Headers", "Attachments", "To_", "__class__")
    raw = "".join(f"{name}: yes\r\n" for name in names).encode()
    raw += b"From: Ana <ana@acme.example>\r\nSubject: Odd names\r\nMessage-ID: <1@acme.example>\r\n"
    raw += b"Content-Type: application/pdf; name=a.pdf\r\n\r\n%PDF"
    letter = parse_letter(raw)
    assert letter.subject == "Odd names"
    assert [one.address for one in letter.from_] == ["ana@acme.example"]
    assert {name.lower() for name, _ in letter.headers} >= {name.lower() for name in names}
    shown = json.loads(json.dumps(parsed(Path("mail.eml"), 0, raw)))
    assert shown["message_id"] == "1@acme.example"
    assert [one["name"] for one in shown["attachments"]] == ["a.pdf"]


def test_a_weekend_of_47_hours_is_47_hours_long() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begun = datetime(2026, 3, 28, 12, tzinfo=berlin)
    ended = datetime(2026, 3, 30, 12, tzinfo=berlin)
    assert ended - begun == timedelta(hours=48), "what Python says of two instants of one zone"
    always = Calendar("Europe/Berlin", (((0, 24 * 60),),) * 7)
    assert always.between(begun.astimezone(UTC), ended.astimezone(UTC)) == timedelta(hours=47)


LEAST = {"aiosmtpd": (1, 4, 6), "mail-parser": (4, 8, 0), "jinja2": (3, 1, 6)}


@pytest.mark.parametrize("name", LEAST)
def test_libraries_with_known_holes_are_pinned_above_them(name: str) -> None:
    lines = (REPO / "requirements.lock").read_text(encoding="utf-8").splitlines()
    (pinned,) = [line.split("==")[1].split()[0] for line in lines if line.startswith(f"{name}==")]
    assert tuple(int(part) for part in pinned.split(".")) >= LEAST[name]
