"""A model as one file: magic, lengths, a JSON manifest, arrays, and a SHA-256 over all of it.

No pickle and no code in it. Loading checks everything before anything is used: a missing,
truncated, foreign, altered or nonsensical file is a `ModelError` with a clear text, never a wrong
model.
docs/CLASSIFIER.md describes the layout.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from classifiers.manifest import ManifestError, Section, read_manifest, thresholds_from_json
from classifiers.model import Model, fingerprint, is_finite
from classifiers.table import HALF, SINGLE, Arrays, Block, Table
from classifiers.text import MailText

MAGIC = b"\x89ABOARD\n"
VERSION = 1
SUFFIX = ".aboard-model"
MAX_FILE = 512 * 1024 * 1024
_HEADER = struct.Struct("<8sHxxIQ")
"""Magic, version, length of the manifest, length of the whole file."""
_HASH_SIZE = 32
_SELF_TEST_TOLERANCE = 1e-3


class ModelError(Exception):
    """A model file that cannot be used. The text names the file, what is wrong, and what to do."""


def dump(model: Model) -> bytes:
    """The file's content. The same model gives the same bytes.

    ModelError for one that remembers own mail: that is nobody else's affair, and no file holds it.
    """
    if model.memory is not None:
        raise ModelError(f"model {model.id} remembers own mail, which is never written to a file")
    table = model.table
    parts = {
        "words": "\n".join(table.words).encode("utf-8", "surrogatepass"),
        "pairs": _pair_numbers(table),
        "word_rows": table.arrays.word_rows.raw,
        "word_idf": table.arrays.word_idf.raw,
        "pair_rows": table.arrays.pair_rows.raw,
        "character_rows": table.arrays.character_rows.raw,
        "bias": table.arrays.bias.raw,
    }
    packed = {name: zlib.compress(content, 6) for name, content in parts.items()}
    sections = [
        {"name": name, "packed": len(packed[name]), "size": len(parts[name])} for name in parts
    ]
    manifest = json.dumps(
        {
            "format": "aboard-model",
            "model_id": model.id,
            "labels": list(model.labels),
            "temperature": model.temperature,
            "thresholds": [None if math.isinf(value) else value for value in model.thresholds],
            "features": asdict(table.features),
            "unknown_idf": table.unknown_idf,
            "words": len(table.words),
            "pairs": len(table.pairs),
            "info": dict(model.info),
            "self_test": _self_test(model),
            "sections": sections,
        },
        ensure_ascii=True,
        allow_nan=False,
        sort_keys=True,
        separators=(",", ":"),
    ).encode("ascii")
    body = b"".join(packed.values())
    length = _HEADER.size + len(manifest) + len(body) + _HASH_SIZE
    content = _HEADER.pack(MAGIC, VERSION, len(manifest), length) + manifest + body
    return content + hashlib.sha256(content).digest()


def _pair_numbers(table: Table) -> bytes:
    numbers = [table.words[word] for pair in table.pairs for word in pair]
    return struct.pack(f"<{len(numbers)}i", *numbers)


def _self_test(model: Model) -> list[dict[str, object]]:
    """Texts made of the model's own words and of unknown ones, with the margins they must give."""
    words = list(model.table.words)
    step = max(1, len(words) // 40)
    texts = [" ".join(words[::step][:40]), "zzyzx qwrtp", ""]
    return [
        {"text": text, "margins": [round(m, 6) for m in model.margins(MailText(visible=text))]}
        for text in texts
    ]


def save(model: Model, path: Path) -> None:
    """Write the file completely or not at all: a reader sees the old one or the new one."""
    content = dump(model)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load(path: Path) -> Model:
    """The model in `path`. ModelError: missing, unreadable, truncated, foreign or altered."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise ModelError(f"{path}: larger than {MAX_FILE} bytes, this is no model file")
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(
            f"{path}: there is no model file; train one with `aboard classifier train`"
        ) from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from None
    return loads(content, str(path))


def loads(content: bytes, name: str = "model") -> Model:
    """The model in `content`; `name` is used in error texts."""
    try:
        return _read(content)
    except (ManifestError, _Refused) as error:
        raise ModelError(
            f"{name}: {error}; use a file written by `aboard classifier train`, or go back with "
            "`aboard classifier rollback`"
        ) from None


class _Refused(Exception):
    """Why a content is no model."""


def _read(content: bytes) -> Model:
    manifest_bytes, body = _opened(content)
    manifest = read_manifest(manifest_bytes)
    parts = _unpacked(body, manifest.sections)
    labels = len(manifest.labels)
    words = _words(parts["words"], manifest.words)
    table = Table(
        words=words,
        pairs=_pairs(parts["pairs"], manifest.pairs, list(words)),
        arrays=Arrays(
            word_rows=_block(parts, "word_rows", manifest.words, labels),
            word_idf=_block(parts, "word_idf", manifest.words, 1),
            pair_rows=_block(parts, "pair_rows", manifest.pairs, labels),
            character_rows=_block(
                parts, "character_rows", 1 << manifest.features.character_bits, labels, HALF
            ),
            bias=_block(parts, "bias", labels, 1),
        ),
        unknown_idf=manifest.unknown_idf,
        features=manifest.features,
    )
    thresholds = thresholds_from_json(manifest.thresholds)
    found = fingerprint(manifest.labels, table, (manifest.temperature, *thresholds))
    if found != manifest.model_id:
        raise _Refused(f"its content has the id {found}, its manifest says {manifest.model_id}")
    model = Model(
        labels=manifest.labels,
        table=table,
        temperature=manifest.temperature,
        thresholds=thresholds,
        info=manifest.info,
        id=found,
    )
    _check_self_test(model, manifest.self_test)
    return model


def _opened(content: bytes) -> tuple[bytes, bytes]:
    """(manifest, sections) of a file whose lengths and hash are right."""
    if len(content) < len(MAGIC) or content[: len(MAGIC)] != MAGIC:
        raise _Refused("this is not a model file of Aboard" if content else "the file is empty")
    if len(content) < _HEADER.size + _HASH_SIZE:
        raise _Refused(f"the file ends after {len(content)} bytes, in its header")
    _, version, manifest_length, length = _HEADER.unpack_from(content)
    if version != VERSION:
        raise _Refused(f"it has format version {version}, this program reads version {VERSION}")
    if length != len(content):
        raise _Refused(f"it should have {length} bytes and has {len(content)}")
    if hashlib.sha256(content[:-_HASH_SIZE]).digest() != content[-_HASH_SIZE:]:
        raise _Refused("its checksum is wrong, so its content was altered or damaged")
    start = _HEADER.size + manifest_length
    if start > len(content) - _HASH_SIZE:
        raise _Refused("its manifest is longer than the file")
    return content[_HEADER.size : start], content[start:-_HASH_SIZE]


def _unpacked(body: bytes, sections: tuple[Section, ...]) -> dict[str, bytes]:
    """Each section decompressed to exactly the size that the manifest states."""
    if sum(section.packed for section in sections) != len(body):
        raise _Refused("its sections do not fill the file")
    found: dict[str, bytes] = {}
    at = 0
    for section in sections:
        unpack = zlib.decompressobj()
        try:
            # One byte more than stated is asked for, so that a longer section shows itself
            # without ever being unpacked whole.
            raw = unpack.decompress(body[at : at + section.packed], section.size + 1)
        except zlib.error as error:
            raise _Refused(f"its section {section.name!r} cannot be unpacked: {error}") from None
        if len(raw) != section.size or not unpack.eof or unpack.unused_data:
            raise _Refused(f"its section {section.name!r} has not the stated size")
        found[section.name] = raw
        at += section.packed
    return found


def _words(raw: bytes, count: int) -> dict[str, int]:
    try:
        text = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise _Refused("its word list is not text") from None
    words = {word: index for index, word in enumerate(text.split("\n") if text else [])}
    if len(words) != count:
        raise _Refused(f"it names {len(words)} different words and should name {count}")
    return words


def _pairs(raw: bytes, count: int, words: list[str]) -> dict[tuple[str, str], int]:
    if len(raw) != count * 8:
        raise _Refused("its list of pairs has not the stated size")
    numbers = struct.unpack(f"<{2 * count}i", raw)
    if count and not (min(numbers) >= 0 and max(numbers) < len(words)):
        raise _Refused("its pairs point to words that are not there")
    named = map(words.__getitem__, numbers)
    pairs = {pair: index for index, pair in enumerate(zip(named, named, strict=True))}
    if len(pairs) != count:
        raise _Refused("its list of pairs repeats itself")
    return pairs


def _block(
    parts: Mapping[str, bytes], name: str, rows: int, columns: int, kind: str = SINGLE
) -> Block:
    block = Block(parts[name], kind, columns)
    if not block.fits(rows):
        raise _Refused(f"its section {name!r} does not fit {rows} rows of {columns} numbers")
    if not block.is_finite():
        raise _Refused(f"its section {name!r} holds values that are no numbers")
    return block


def _check_self_test(model: Model, cases: tuple[tuple[str, tuple[float, ...]], ...]) -> None:
    """The model must answer as it did when it was written (another NumPy, another machine)."""
    for text, wanted in cases:
        found = model.margins(MailText(visible=text))
        near = all(abs(a - b) <= _SELF_TEST_TOLERANCE for a, b in zip(found, wanted, strict=True))
        if not (is_finite(found) and near):
            raise _Refused("it fails its own self-test on this machine")
