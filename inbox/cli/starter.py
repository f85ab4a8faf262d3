"""`aboard init`: a working folder to start from, checked before it is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from inbox import shipped
from inbox.errors import AboardError

CONFIG = """\
# Aboard's configuration. Every setting can also be given by environment: ABOARD_SMTP__LISTEN=...
# Paths are relative to this file. `aboard check` validates everything; docs/INTERFACES.md lists
# every setting.

# SQLite, in one file; for more than one machine postgresql://USER@HOST/NAME with
# database_password_file: PATH.
database: sqlite:///var/aboard.db

# The addresses that customers write to.
mailboxes:
  - address: onboarding@aboard.example
    name: Onboarding

# Domains of your own people: their mail is never taken for a customer's.
own_domains: [aboard.example]

smtp:
  listen: 127.0.0.1:2525
  hostname: localhost
  # tls_certificate: tls/certificate.pem
  # tls_key: tls/key.pem

web:
  listen: 127.0.0.1:8025

# Without a smarthost nothing leaves: mail is held in the outbox until a person releases it.
# send:
#   host: smtp.company.example
#   port: 587
#   username: aboard
# send_password_file: secrets/smarthost

# Mail may also be fetched from mailboxes on other servers; `aboard check --connect` tries it.
# imap:
#   mailboxes:
#     - name: onboarding
#       host: imap.company.example
#       username: onboarding@company.example
#       password_file: secrets/mailbox

# What admins own; `aboard check` reads all of it, and a bad file never replaces a good one.
files:
  rules: rules
  teams: teams.yaml
  sla: sla.yaml
  stages: stages.yaml
  followups: followups.yaml
  macros: macros.yaml
  templates: templates
"""


def write_folder(folder: Path) -> Iterator[Path]:
    """Write configuration, rules, teams, policies, stages and templates; gives each path.

    Raises `AboardError` where the folder holds something already, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AboardError(f"{folder}: it is not an empty folder; name a new one")
    try:
        yield from _write(folder)
    except OSError as error:
        raise AboardError(f"{error.filename or folder}: {error.strerror}") from error


def _write(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "aboard.yaml"
    config.write_text(CONFIG)
    yield config
    lists = ("teams.yaml", "sla.yaml", "sla.schema.json", "stages.yaml", "followups.yaml")
    for name in (*lists, "macros.yaml"):
        shutil.copyfile(shipped.DATA / name, folder / name)
        yield folder / name
    for source in sorted((shipped.DATA / "rules").iterdir()):
        target = folder / "rules" / source.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
        yield target
    shutil.copytree(shipped.TEMPLATES / "mail", folder / "templates" / "mail", dirs_exist_ok=True)
    yield folder / "templates"
