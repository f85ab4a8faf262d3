"""Imported by the process that filing workers are forked from: what is slow to load is loaded once.

Importing this module is its effect; nothing else may import it.
"""

from __future__ import annotations

from classifiers import language
from inbox.flow import guess, models

language.warm()

LOADED = (guess, models)
"""Modules that workers find loaded, NumPy among what they need."""
