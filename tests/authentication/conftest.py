"""A small company, on each kind of database."""

from tests.flow.conftest import house as house
