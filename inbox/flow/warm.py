"""Imported by the process that filing workers are forked from: what is slow to load is loaded once.

Importing this module is its effect; nothing else may import it.
"""

from __future__ import annotations

import gc

gc.disable()  # what is loaded is no garbage; looking for some takes a sixth of the time

from classifiers import language  # noqa: E402
from inbox.flow.learning import guess, models  # noqa: E402

language.warm()
gc.freeze()  # shared with every worker, so no collection of theirs may touch it
gc.enable()

LOADED = (guess, models)
"""Modules that workers find loaded, NumPy among what they need."""
