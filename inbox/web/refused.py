"""What a deed refuses becomes a page that says why; what is not there stays not found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException

from inbox.errors import AboardError, NotFound


@contextmanager
def plainly(status: int = 400) -> Iterator[None]:
    """Answer an `AboardError` with this status and its sentence; `NotFound` passes."""
    try:
        yield
    except NotFound:
        raise
    except AboardError as error:
        raise HTTPException(status, sentence(str(error))) from error


def sentence(said: str) -> str:
    """With a capital letter and a full stop, as pages say it."""
    return f"{said[:1].upper()}{said[1:].rstrip('.')}."
