"""OAuth2 access tokens that the tests' Dovecot takes: JSON Web Tokens, signed with its own key.

It looks at the signature, the times and whose token it is (RFC 7519), as a provider does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from datetime import timedelta
from pathlib import Path

VALID = timedelta(hours=1)
CONFIGURATION = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={keys}/
username_attribute = sub
"""


class Issuer:
    """Who gives tokens. `configuration` is the file that Dovecot's passdb of tokens reads."""

    def __init__(self, folder: Path) -> None:
        """Write key and configuration into `folder`."""
        self._secret = secrets.token_bytes(32)
        key = folder / "keys" / "default" / "HS256" / "default"
        key.parent.mkdir(parents=True)
        key.write_bytes(base64.b64encode(self._secret))
        self.configuration = folder / "tokens.conf"
        self.configuration.write_text(CONFIGURATION.format(keys=folder / "keys"))

    def token(self, user: str, valid: timedelta = VALID) -> str:
        """A token of this user; of the past where `valid` is below zero."""
        now = int(time.time())  # noqa: TID251 - Dovecot holds it against the real time
        until = now + int(valid.total_seconds())
        claims = {
            "sub": user,
            "iat": min(now, until) - 60,
            "nbf": min(now, until) - 60,
            "exp": until,
        }
        head = {"alg": "HS256", "typ": "JWT"}
        text = ".".join(_packed(json.dumps(one).encode()) for one in (head, claims))
        signed = hmac.new(self._secret, text.encode(), hashlib.sha256).digest()
        return f"{text}.{_packed(signed)}"


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
