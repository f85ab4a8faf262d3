#!/bin/sh
# Resolve pyproject.toml again into requirements.lock: every version pinned, every file hashed,
# for Linux and macOS, and no index address in it. Run by `make lock` after a change of dependencies.
set -eu
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
"$python" -m pip install -q --target .tools/uv uv==0.13.9
.tools/uv/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url -q -o requirements.lock
