"""Mail hygiene: who may join, forwards, reports, floods, and what only a person may decide."""
