#!/usr/bin/env bash
# Make or refresh the virtual environment that every `make` target uses.
#
#   deploy/venv.sh LOCK      install exactly what the lock names, and this checkout in editable form
#   deploy/venv.sh --uv      print the uv that is used, installing it below .local/ when there is none
#
# Needs Python 3.11-3.13 and a package index as pip or uv are configured to use it. PYTHON=... picks the Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'set-up: %s\n' "$*" >&2; }

# A name on the PATH is not enough: version managers leave shims of versions that are not switched on.
find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  say "no Python 3.11, 3.12 or 3.13 found; install one, or say which: make PYTHON=/path/to/python3"
  return 1
}

find_uv() {
  local candidate python
  for candidate in ${UV:-} uv .local/uv/bin/uv .local/bootstrap/bin/uv; do
    if "$candidate" --version >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  python=$(find_python)
  say "uv is absent: installing it below .local/"
  # --target leaves the system's Python alone, and works where the system forbids other installs.
  if "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m pip install --quiet --upgrade --root-user-action=ignore --target .local/uv 'uv>=0.6' >&2
    printf '%s\n' .local/uv/bin/uv
  elif "$python" -m venv .local/bootstrap >/dev/null 2>&1; then
    .local/bootstrap/bin/python -m pip install --quiet 'uv>=0.6' >&2
    printf '%s\n' .local/bootstrap/bin/uv
  else
    say "this Python has neither pip nor ensurepip, so uv cannot be installed; install uv, or pip for $python"
    return 1
  fi
}

uv=$(find_uv)
if [[ ${1:?usage: deploy/venv.sh LOCK | --uv} == --uv ]]; then
  printf '%s\n' "$uv"
  exit
fi
lock=$1

export UV_PYTHON_DOWNLOADS=never
export UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180}

if ! .venv/bin/python -c 'import sys' >/dev/null 2>&1; then
  "$uv" venv --quiet --clear --python "$(find_python)" .venv
fi
say "installing the $(grep -c == "$lock") packages of $lock: minutes the first time, seconds later"
"$uv" pip sync --quiet --require-hashes --python .venv/bin/python "$lock"
"$uv" pip install --quiet --no-deps --python .venv/bin/python --editable .
say "ready: .venv as $lock says"
