"""In which language a text is written. Not a feature of the model: rules and templates ask for it.

py3langid: its model is an LZMA file of arrays read with `allow_pickle=False`, it opens no socket.
Loading costs about a second and 105 MB once per process, so it happens at the first question and
never on import; long-lived processes call `warm()` before they fork.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_LANGUAGES = """
    ar bg ca cs da de el en es et eu fi fr he hi hr hu id is it ja ko lt lv ms nl no pl pt ro ru sk
    sl sq sr sv th tr uk vi zh
""".split()  # noqa: SIM905
_NOT_WORDS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[\d_]+")
_READ = 300
"""Characters looked at; more changes no answer."""
_LEAST_LETTERS = 10
"""Below this, or below `_LEAST_SCORE`, there is no answer rather than a guess."""
_LEAST_SCORE = 0.5


def detect(text: str) -> str | None:
    """The ISO 639-1 code of the language of `text`, or None where it is too short or too mixed."""
    words = _NOT_WORDS.sub(" ", text[:_READ])
    if sum(map(str.isalpha, words)) < _LEAST_LETTERS:
        return None
    found, score = _identifier().classify(words.encode("utf-8", "replace").decode())
    return str(found) if float(score) >= _LEAST_SCORE else None


def warm() -> None:
    """Load the library's model now, so that no mail pays for it."""
    _identifier()


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LANGUAGES)
    return identifier
