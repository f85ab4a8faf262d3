"""The TLS side of a server: certificate and key from the settings. Opens no sockets."""

from __future__ import annotations

import ssl

from inbox.config import Smtp


def server_context(settings: Smtp) -> ssl.SSLContext | None:
    """The context to offer STARTTLS with, or None where no certificate is configured.

    Raises OSError or `ssl.SSLError` when the files cannot be read or do not belong together.
    """
    if settings.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    return context
