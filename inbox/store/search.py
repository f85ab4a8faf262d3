"""Full text: FTS5 on SQLite, tsvector on PostgreSQL, both fed the same normalised words.

The databases' own tokenisers disagree (an address is one word to one and three to the other, one
keeps accents, the other does not), so words are made here: NFKD without marks, case-folded, split
at everything that is neither letter nor digit; a character of a script written without spaces is
a word of its own, and a query for several of them is a phrase.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from sqlalchemy import bindparam, text

from inbox.store.database import Conn

PIECE = 200_000
"""Characters in one indexed piece: PostgreSQL refuses a tsvector over 1 MiB."""

_ASCII_WORD = re.compile(r"[a-z0-9]+")
_WORD = re.compile(r"[^\W_]+")
_SPACELESS = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])"
)

CREATE_SQLITE = (
    "CREATE VIRTUAL TABLE search_index USING fts5"
    "(words, content='', columnsize=0, tokenize=\"unicode61 remove_diacritics 0\")",
)
CREATE_POSTGRESQL = (
    "CREATE TABLE search_index (message_id bigint NOT NULL, piece integer NOT NULL,"
    " words tsvector NOT NULL, PRIMARY KEY (message_id, piece))",
    "CREATE INDEX ix_search_index_words ON search_index USING gin (words)",
)
DROP = ("DROP TABLE search_index",)


def words_of(written: str) -> str:
    """The words of a text as the index knows them, separated by single spaces."""
    if written.isascii():
        return " ".join(_ASCII_WORD.findall(written.lower()))
    plain = unicodedata.normalize("NFKD", written).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(_WORD.findall(_SPACELESS.sub(r" \1 ", plain)))


_ADD_SQLITE = text("INSERT INTO search_index (rowid, words) VALUES (:message_id, :words)")
_ADD_POSTGRESQL = text(
    "INSERT INTO search_index (message_id, piece, words)"
    " VALUES (:message_id, :piece, to_tsvector('simple', :words))"
)


def add(conn: Conn, documents: Sequence[tuple[int, str]]) -> None:
    """Index messages: (message number, everything that can be found in it)."""
    prepared = [(message_id, words_of(written)) for message_id, written in documents]
    if not prepared:
        return
    if conn.dialect.name == "sqlite":
        conn.execute(_ADD_SQLITE, [{"message_id": m, "words": words} for m, words in prepared])
        return
    rows = [
        {"message_id": message_id, "piece": number, "words": words[start : start + PIECE]}
        for message_id, words in prepared
        for number, start in enumerate(range(0, max(len(words), 1), PIECE))
    ]
    conn.execute(_ADD_POSTGRESQL, rows)


_FIND_SQLITE = text(
    "SELECT rowid FROM search_index WHERE search_index MATCH :query"
    " AND rowid < :before ORDER BY rowid DESC LIMIT :limit"
)
_FIND_POSTGRESQL = text(
    "SELECT DISTINCT message_id FROM search_index WHERE words @@ to_tsquery('simple', :query)"
    " AND message_id < :before ORDER BY message_id DESC LIMIT :limit"
).bindparams(bindparam("query"))


def find(conn: Conn, typed: str, *, limit: int = 50, before: int | None = None) -> tuple[int, ...]:
    """Numbers of the newest messages that hold every word typed; a "quoted part" is a phrase.

    Any text may be typed; what holds no word finds nothing.
    """
    phrases = _phrases(typed)
    if not phrases:
        return ()
    if conn.dialect.name == "sqlite":
        query = " ".join(f'"{phrase}"' for phrase in phrases)
        statement = _FIND_SQLITE
    else:
        query = " & ".join("(" + " <-> ".join(phrase.split()) + ")" for phrase in phrases)
        statement = _FIND_POSTGRESQL
    values = {"query": query, "limit": limit, "before": before or 2**62}
    return tuple(int(number) for number in conn.scalars(statement, values))


def _phrases(typed: str) -> list[str]:
    parts = typed[:500].split('"')
    phrases: list[str] = []
    for number, part in enumerate(parts):
        pieces = [part] if number % 2 and number + 1 < len(parts) else part.split()
        phrases += [words for words in map(words_of, pieces) if words]
    return phrases[:20]
