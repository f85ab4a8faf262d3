"""What we read with our own eyes in mails whose corpora state no expectation; nothing computes it."""

from __future__ import annotations

from typing import Any

_RUSSIAN = "Simple text. How are you? Как ты поживаешь?"

BY_HAND: dict[str, dict[str, Any]] = {
    "chandler/i18n_tests/test_no_charset": {
        "subject": "(광고)대출 상담받고 제주도여행권 받으세요@.@",
    },
    "chandler/mime_tests/test_forward01": {
        "subject": "a forwarded piece of email",
        "from": ["some@body"],
        "text": "Introductory text about the message",
        "files": [""],
    },
    "chandler/mime_tests/test_rfc2046_1": {
        "subject": "Sample message",
        "from": ["nsb@bellcore.com"],
        "text": "This is implicitly typed plain US-ASCII text.\nIt does NOT end with a linebreak.\n"
        "This is explicitly typed plain US-ASCII text.\nIt DOES end with a linebreak.",
        "files": [],
    },
    "mikel_mail/plain_emails/raw_email10.eml": {
        "subject": "",
        "from": ["xxx@xxxx.xxx"],
        "text": "Test test. Hi. Waving. m\n\n"
        + "-" * 64
        + "\nSent via Bell Mobility's Text Messaging "
        "service. \nEnvoyé par le service de messagerie texte de Bell Mobilité.\n" + "-" * 64,
        "files": [],
    },
    "cpython/msg_01.txt": {
        "subject": "This is a test message",
        "from": ["bbb@ddd.com"],
        "text": "Hi,\nDo you like this message?\n-Me",
        "files": [],
    },
    "cpython/msg_07.txt": {
        "subject": "Here is your dingus fish",
        "from": ["barry@digicool.com"],
        "text": "Hi there,\n\nThis is the dingus fish.",
        "files": ["dingusfish.gif"],
    },
    "cpython/msg_05.txt": {
        "subject": "bar",
        "from": [],
        "text": "Yadda yadda yadda\nYadda yadda yadda",
        "files": [""],
    },
    "cpython/msg_16.txt": {
        "subject": "Delivery Notification: Delivery has failed",
        "from": ["postmaster@ucla.edu"],
        "files": ["", ""],
    },
    "cpython/msg_21.txt": {"subject": "Test", "from": ["aperson@dom.ain"], "text": "One\nTwo"},
    "cpython/msg_23.txt": {"subject": "", "from": ["aperson@dom.ain"], "text": "A message part"},
    "cpython/msg_35.txt": {"subject": "here's something interesting", "from": ["aperson@dom.ain"]},
    "cpython/msg_46.txt": {
        "subject": "GroupwiseForwardingTest",
        "from": ["sender@example.net"],
        "files": [""],
    },
    "mikel_mail/attachment_emails/attachment_nonascii_filename.eml": {
        "subject": "testing",
        "from": ["foo@example.com"],
        "files": ["ciële.txt"],
    },
    "mikel_mail/attachment_emails/attachment_message_rfc822.eml": {
        "subject": "testing",
        "from": ["foo@example.com"],
        "files": ["ForwardedMessage.eml"],
    },
    "mikel_mail/attachment_emails/attachment_with_quoted_filename.eml": {
        "subject": "Eelanalüüsi päring",
        "from": ["jeff@37signals.com"],
        "files": ["Eelanalüüsi päring.jpg"],
    },
    "mikel_mail/error_emails/bad_encoded_subject.eml": {"subject": "TEST", "text": "TEST"},
    "mikel_mail/error_emails/cant_parse_from.eml": {
        "subject": "Meet the new MacBook Pro family. Now includes 13-inch.",
        "from": ["news@insideapple.apple.com"],
        "files": [],
    },
    "mikel_mail/error_emails/encoding_madness.eml": {
        "subject": "eBay Bid - 2008 Ford Super Duty F-350 DRW King Ranch Crew Cab 4x4 (156)"
        " - Stock# XXXX",
        "from": ["no-reply@crm.el-example.org"],
        "text": "Body Text",
    },
    "mikel_mail/error_emails/trademark_character_in_subject.eml": {
        "subject": "GA.comô has a lead for you",
        "from": ["j@yahoo-example.com"],
        "text": "Body Text - not important",
    },
    "mikel_mail/multi_charset/japanese.eml": {
        "subject": "まみむめも",
        "from": ["raasdnil@gmail.com"],
        "text": "かきくえこ\n\n--\nhttp://lindsaar.net/\nRails, RSpec and Life blog....",
    },
    "mikel_mail/error_emails/content_transfer_encoding_x_uuencode.eml": {
        "subject": "PGP Comments on RTO West Release of Dec. 14",
        "from": ["lpeters@pacifier.com"],
        "files": ["PGP_Cmts_on_12-14-01_Pkg.doc"],
    },
    "mikel_mail/mime_emails/two_from_in_message.eml": {
        "subject": "Sending messages include last little bit",
        "from": ["tester1@test.com"],
        "files": [],
    },
    "flanker/messages/attached-pdf.eml": {
        "subject": "test message via curl - extra content-type (_001_)",
    },
    "flanker/messages/enclosed.eml": {
        "subject": "Wow",
        "from": ["bob@example.net"],
        "files": ["thanks.eml"],
    },
    "flanker/messages/encoded-header.eml": {
        "subject": "hello",
        "from": ["foo.bar@example.com"],
        "text": "hello, world",
        "files": [],
    },
    "flanker/messages/from-encoding.eml": {
        "subject": "Re: running server as root (Was: Re: PUT method)",
        "from": ["ingo@blank.pages.de"],
    },
    "flanker/messages/iphone.eml": {
        "subject": "Subject",
        "from": ["someone@somewhere.com"],
        "files": ["photo.JPG"],
    },
    "flanker/messages/russian-attachment-yahoo.eml": {
        "subject": "Hello",
        "from": ["mailboxaddr1234567@yahoo.com"],
    },
    "flanker/messages/8bitmime.eml": {"subject": "2 RCPT MIME", "text": "Превел\n123", "files": []},
    "flanker/messages/bilingual-simple.eml": {
        "subject": _RUSSIAN,
        "text": "This line is in English\nА эта линия по-русски.",
    },
    "flanker/messages/mailgun-pic.eml": {
        "subject": "Mailgun rocks!",
        "from": ["hello@example.com"],
        "files": ["mailgun.png"],
    },
    "flanker/messages/outlook-express.eml": {"subject": "Sup?", "from": ["bob@example.com"]},
}
