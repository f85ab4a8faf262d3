"""Full text: FTS5 on SQLite, tsvector on PostgreSQL, both fed the same normalised words.

The databases' own tokenisers disagree (an address is one word to one and three to the other, one
keeps accents, the other does not), so words are made here: NFKD without marks, case-folded, split
at everything that is neither letter nor digit; a character of a script written without spaces is
a word of its own, and a query for several of them is a phrase.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import TextClause, text

from inbox.store.database import Conn

PIECE_WORDS = 15_000
PIECE_CHARACTERS = 200_000
"""What one indexed piece holds: PostgreSQL counts positions up to 16,383 and refuses a tsvector
over 1 MiB. A longer mail is several pieces."""
OVERLAP = 250
"""Words that a piece shares with the one before, so that no phrase is cut in two."""
LONGEST_WORD = 200
"""Characters of a word that count; PostgreSQL passes over words of more than 2,046 bytes."""

_PIECE = 64
"""Characters that are decomposed at a time: putting a run of marks in order takes the square of
its length, and a megabyte of them hours."""
_GROWS_BY = 3
"""Times its length that a text may become: Korean syllables become three letters."""
_GROWTH = 65_536
"""Characters by which a text may grow beyond that; some characters become eighteen."""

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
    "CREATE INDEX ix_search_index_long ON search_index (message_id) WHERE piece = 1",
)
DROP = ("DROP TABLE search_index",)


def words_of(written: str) -> str:
    """The words of a text as the index knows them, separated by single spaces."""
    if written.isascii():
        found = _ASCII_WORD.findall(written.lower())
    else:
        found = _WORD.findall(_SPACELESS.sub(r" \1 ", _without_marks(written)))
    return " ".join(word[:LONGEST_WORD] for word in found)


def _without_marks(written: str) -> str:
    """NFKD, case-folded, no combining marks; piece by piece, which comes to the same since all
    that a cut can change is the order of marks (UAX #15, Canonical Ordering Algorithm). From where
    a text grew too much its rest is only made lower case."""
    done: list[str] = []
    start, grown = 0, 0
    while start < len(written) and grown <= _GROWTH + start // 4:
        piece = written[start : start + _PIECE]
        plain = unicodedata.normalize("NFKD", piece).casefold()
        done.append("".join(c for c in plain if not unicodedata.combining(c)))
        grown += max(len(plain) - _GROWS_BY * len(piece), 0)
        start += _PIECE
    return "".join(done) + written[start:].lower()


_ADD_SQLITE = text("INSERT INTO search_index (rowid, words) VALUES (:message_id, :words)")
_ADD_POSTGRESQL = text(
    "INSERT INTO search_index (message_id, piece, words)"
    " VALUES (:message_id, :piece, to_tsvector('simple', :words))"
)


def add(conn: Conn, documents: Sequence[tuple[int, str]]) -> None:
    """Index messages: (message number, everything that can be found in it)."""
    add_words(conn, [(message_id, words_of(written)) for message_id, written in documents])


def add_words(conn: Conn, prepared: Sequence[tuple[int, str]]) -> None:
    """Index messages by what `words_of` made of them, outside any transaction."""
    if not prepared:
        return
    if conn.dialect.name == "sqlite":
        conn.execute(_ADD_SQLITE, [{"message_id": m, "words": words} for m, words in prepared])
        return
    rows = [
        {"message_id": message_id, "piece": number, "words": piece}
        for message_id, words in prepared
        for number, piece in enumerate(_pieces(words))
    ]
    conn.execute(_ADD_POSTGRESQL, rows)


def _pieces(words: str) -> Iterator[str]:
    if len(words) <= PIECE_CHARACTERS and words.count(" ") < PIECE_WORDS:
        yield words
        return
    listed = words.split(" ")
    start = 0
    while True:
        end, room = start, PIECE_CHARACTERS
        while end < len(listed) and end - start < PIECE_WORDS and room > 0:
            room -= len(listed[end]) + 1
            end += 1
        yield " ".join(listed[start:end])
        if end == len(listed):
            return
        start = end - OVERLAP


_FORGET_SQLITE = (
    "INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', :id, :words)"
)
_FORGET_POSTGRESQL = "DELETE FROM search_index WHERE message_id = :id AND :words = :words"


def add_note(conn: Conn, event_id: int, written: str) -> None:
    """Index a note. It stands under the number of its event with a minus before it: the numbers
    above zero are those of messages."""
    add_words(conn, [(-event_id, words_of(written))])


def forget_note(conn: Conn, event_id: int, written: str) -> None:
    """Take a note out of the index; the text must be the one that was indexed."""
    statement = _FORGET_SQLITE if conn.dialect.name == "sqlite" else _FORGET_POSTGRESQL
    conn.execute(text(statement), {"id": -event_id, "words": words_of(written)})


_BOUNDS = "{id} > 0 AND {id} < :before"
_NOTES = "{id} < 0 AND {id} < :before"
_FIND_POSTGRESQL = (
    "SELECT message_id FROM search_index WHERE words @@ to_tsquery('simple', :query) AND {bounds}"
)
_FIND_LONG_POSTGRESQL = (
    " UNION SELECT long.message_id FROM search_index long WHERE long.piece = 1 AND {bounds}"
)
_HOLDS = (
    " AND EXISTS (SELECT 1 FROM search_index piece WHERE piece.message_id = long.message_id"
    " AND piece.words @@ to_tsquery('simple', :part{number}))"
)
_LACKS = (
    " WHERE NOT EXISTS (SELECT 1 FROM search_index piece WHERE piece.message_id ="
    " found.message_id AND piece.words @@ to_tsquery('simple', :without))"
)


def _together(phrase: str) -> str:
    return "(" + " <-> ".join(phrase.split()) + ")"


def _find_postgresql(sought: Sought, bounds: str, order: str) -> tuple[TextClause, dict[str, str]]:
    """Each phrase must be in some piece of a message; in a short one all are in the only piece."""
    parts = [_together(phrase) for phrase in sought.phrases]
    values = {"query": " & ".join(parts)}
    statement = _FIND_POSTGRESQL.format(bounds=bounds.format(id="message_id"))
    if len(parts) > 1:
        statement += _FIND_LONG_POSTGRESQL.format(bounds=bounds.format(id="long.message_id"))
        for number, part in enumerate(parts):
            statement += _HOLDS.format(number=number)
            values[f"part{number}"] = part
    lacks = ""
    if sought.without:
        lacks = _LACKS
        values["without"] = " | ".join(_together(phrase) for phrase in sought.without)
    whole = f"SELECT DISTINCT message_id FROM ({statement}) found{lacks}"
    return text(f"{whole} ORDER BY 1 {order} LIMIT :limit"), values


_BY_ITS_WORDS = text("SET LOCAL plan_cache_mode = force_custom_plan")
"""A common word is looked for from the newest mail back, a rare one in its own index. PostgreSQL
tells one from the other by the words, but after five times plans without a look at them."""


def _find_sqlite(sought: Sought, bounds: str, order: str) -> tuple[TextClause, dict[str, str]]:
    query = " ".join(f'"{phrase}"' for phrase in sought.phrases)
    if sought.without:
        without = " OR ".join(f'"{phrase}"' for phrase in sought.without)
        query = f"({query}) NOT ({without})"
    statement = (
        "SELECT rowid FROM search_index WHERE search_index MATCH :query"
        f" AND {bounds.format(id='rowid')} ORDER BY rowid {order} LIMIT :limit"
    )
    return text(statement), {"query": query}


@dataclass(frozen=True, slots=True)
class Sought:
    """Phrases, as `words_of` makes them, that a text must hold, and those it must not."""

    phrases: tuple[str, ...]
    without: tuple[str, ...] = ()


def find(conn: Conn, typed: str, *, limit: int = 50, before: int | None = None) -> tuple[int, ...]:
    """Numbers of the newest messages that hold every word typed; a "quoted part" is a phrase.

    Any text may be typed; what holds no word finds nothing.
    """
    return newest(conn, Sought(tuple(_phrases(typed))), limit, before=before)


def newest(
    conn: Conn, sought: Sought, limit: int, *, before: int | None = None, notes: bool = False
) -> tuple[int, ...]:
    """Numbers of the newest messages that hold what is sought; with `notes` of events instead."""
    if not sought.phrases:
        return ()
    make = _find_sqlite if conn.dialect.name == "sqlite" else _find_postgresql
    if conn.dialect.name != "sqlite":
        conn.execute(_BY_ITS_WORDS)
    statement, values = make(sought, _NOTES if notes else _BOUNDS, "ASC" if notes else "DESC")
    found = conn.scalars(statement, {**values, "limit": limit, "before": before or 2**62})
    return tuple(abs(int(number)) for number in found)


def _phrases(typed: str) -> list[str]:
    parts = typed[:500].split('"')
    phrases: list[str] = []
    for number, part in enumerate(parts):
        pieces = [part] if number % 2 and number + 1 < len(parts) else part.split()
        phrases += [_short(words) for words in map(words_of, pieces) if words]
    return phrases[:20]


def _short(phrase: str) -> str:
    return " ".join(phrase.split(" ", OVERLAP)[:OVERLAP])
