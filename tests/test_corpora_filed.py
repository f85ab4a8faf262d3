"""Every mail of the shared corpora, through the real workers: none lost, none changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from inbox.app import open_database, put_in_force
from inbox.cli.starter import write_folder
from inbox.config import load
from inbox.flow.evidence.audit import audit
from inbox.ingest import Told, ingest_files
from inbox.mail.mbox import messages_at
from inbox.store import ledger
from tests.shared import shared

REFUSED = {"no-author", "field-too-large"}


def test_every_mail_is_accounted_for_and_its_bytes_can_be_had_back(tmp_path: Path) -> None:
    corpora = shared("corpora")
    for _ in write_folder(tmp_path / "work"):
        pass
    settings = load(tmp_path / "work" / "aboard.yaml", {})
    db = open_database(settings)
    put_in_force(db, settings)
    done = ingest_files(db, settings, [corpora], told=Told())
    there = [hashlib.sha256(raw).hexdigest() for _, _, raw in messages_at(corpora)]
    assert done.accepted == len(there) >= 2600
    assert done.pending == 0
    assert done.filed + done.duplicates + done.quarantined == done.accepted
    result = audit(db, deep=True)
    assert result.findings == ()
    assert result.raw_checked == len(set(there))
    with db.read() as conn:
        held = ledger.quarantined(conn, limit=1000)
        assert {row.cause for row in held} == REFUSED
        for sha256 in set(there):
            assert ledger.of_sha256(conn, sha256)
    db.close()
