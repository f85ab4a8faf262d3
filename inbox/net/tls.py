"""TLS, ours as a server and as a client: contexts from the settings. Opens no sockets."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

from inbox.config import Smtp
from inbox.errors import ConfigError
from routing.problems import Problem

_WHY = {
    "KEY_VALUES_MISMATCH": "the key is not that of the certificate",
    None: "one of them holds no PEM of its kind",
}
"""What OpenSSL calls it -> how people say it."""


class _Encrypted(Exception):
    """The key wants a passphrase."""


def server_context(settings: Smtp) -> ssl.SSLContext | None:
    """The context to offer STARTTLS with, or None where no certificate is configured.

    Raises `ConfigError` when the files cannot be read or do not belong together.
    """
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None or key is None:
        return None
    unreadable = [*_unreadable("tls_certificate", certificate), *_unreadable("tls_key", key)]
    if unreadable:
        raise ConfigError(unreadable)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except _Encrypted:
        raise ConfigError([_unusable(settings, "the key is encrypted")]) from None
    except ssl.SSLError as error:
        why = _WHY.get(error.reason, str(error.reason))
        raise ConfigError([_unusable(settings, why)]) from error
    return context


def client_context(authorities: Path | None, setting: str = "send.tls_ca") -> ssl.SSLContext:
    """Verified, TLS 1.2 or later; the system's certificates, or those of a PEM file instead.

    `setting` is what names the file, for the error.

    Raises `ConfigError` where the file cannot be read or holds none.
    """
    try:
        context = ssl.create_default_context(
            cafile=None if authorities is None else str(authorities)
        )
    except OSError as error:
        message = f"{authorities}: {error.strerror or error}"
        problem = Problem(setting, 0, 0, "unreadable", message, "give a PEM file")
        raise ConfigError([problem]) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _unreadable(name: str, path: Path) -> Iterator[Problem]:
    try:
        path.open("rb").close()
    except OSError as error:
        message = f"{path}: {error.strerror or error}"
        yield Problem(f"smtp.{name}", 0, 0, "unreadable", message, "give a PEM file")


def _no_passphrase() -> str:
    # Without this OpenSSL would ask at the terminal, and a service has none.
    raise _Encrypted


def _unusable(settings: Smtp, why: str) -> Problem:
    message = f"{settings.tls_certificate} with the key {settings.tls_key} cannot be used: {why}"
    hint = "give the certificate with its chain, and its own key without a passphrase, as PEM"
    return Problem("smtp.tls_certificate", 0, 0, "bad-certificate", message, hint)
