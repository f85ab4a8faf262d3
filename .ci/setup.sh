#!/bin/sh
# Make .venv: Python, the pinned packages of requirements.lock, and this project in editable form.
# The second run is instant: .venv/.ready holds the checksum of everything the set-up depends on.
#
# A fresh Debian 12 has python3.11 but perhaps neither ensurepip nor pip, so three ways are tried:
# `python -m venv`; a venv without pip, filled by the pip of the system; python3-venv from apt.
# PYTHON=/path/to/python chooses the interpreter, NO_APT=1 forbids apt.
set -eu
cd -P "$(dirname "$0")/.."

wanted=$({ cat requirements.lock pyproject.toml .ci/setup.sh && pwd; } | cksum)
if [ -x .venv/bin/python ] && [ "$(cat .venv/.ready 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

fail() {
    echo "setup: $1" >&2
    exit 1
}
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for name in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13; do
        found=$(command -v "$name") || continue
        new_enough "$found" && printf '%s\n' "$found" && return 0
    done
    return 1
}

# A failed attempt leaves a .venv that looks like one, hence always from nothing.
try_venv() { # options of `python -m venv`
    rm -rf .venv
    "$python" -m venv "$@" .venv >"$log" 2>&1
}
with_own_pip() { try_venv && .venv/bin/python -m pip --version >>"$log" 2>&1; }
with_system_pip() {
    "$python" -m pip --version >"$log" 2>&1 || return 1
    try_venv --without-pip || return 1
    pip_of=system
}
with_apt() {
    [ -z "${NO_APT:-}" ] && [ -x /usr/bin/apt-get ] || return 1
    if [ "$(id -u)" = 0 ]; then sudo=""; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else return 1; fi
    echo "setup: this Python has no ensurepip: ${sudo:+$sudo }apt-get install -y python3-venv"
    ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || $sudo apt-get update -q >"$log" 2>&1 || return 1
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        python3-venv >"$log" 2>&1 </dev/null || return 1
    with_own_pip
}

python=$(find_python) || fail "no Python 3.11 or newer on PATH. Install one (Debian: apt-get install \
python3 python3-venv; macOS: brew install python@3.11), or say which: make PYTHON=/path/to/python"
log=$(mktemp)
pip_of=venv
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

# A .venv that was made here is filled up; one that came along when the folder was moved still
# names its old place in every script, and is made again.
if ! { [ -x .venv/bin/python ] && new_enough .venv/bin/python &&
    grep -qsF "$PWD/.venv" .venv/bin/activate &&
    .venv/bin/python -m pip --version >"$log" 2>&1; }; then
    echo "setup: making .venv with $python"
    with_own_pip || with_system_pip || with_apt || {
        cat "$log" >&2
        rm -rf .venv
        fail "$python can make no virtual environment: it has neither ensurepip nor pip. \
Run this and try again: sudo apt-get install python3-venv"
    }
fi

pip() {
    case $pip_of in
        system) "$python" -m pip --python .venv/bin/python --disable-pip-version-check "$@" ;;
        venv) .venv/bin/python -m pip --disable-pip-version-check "$@" ;;
    esac
}
echo "setup: installing the packages of requirements.lock"
# A package that comes as source is built with the setuptools of the lock, so that one goes first.
builder=$(mktemp)
trap 'rm -f "$log" "$builder"' EXIT
awk '/^[^ ]/ { wanted = /^setuptools==/ } wanted' requirements.lock >"$builder"
pip install -q --no-input --require-hashes --no-deps -r "$builder" &&
    pip install -q --no-input --require-hashes --no-deps --no-build-isolation -r requirements.lock ||
    fail "the packages of requirements.lock could not be installed; the lines above say which one"
# setuptools came with the lock, so nothing outside it is fetched to build the project itself.
pip install -q --no-input --no-deps --no-build-isolation -e . ||
    fail "the project itself could not be installed; the lines above say why"
printf '%s\n' "$wanted" >.venv/.ready
