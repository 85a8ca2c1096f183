#!/bin/sh
# Print the path of a Python that runs; pyenv's versions are searched too.
# usage: find_python.sh NAME         such as python3.13, or a path
#        find_python.sh newer PYTHON the newest python3.N that is newer than PYTHON, or than 3.10 where PYTHON is missing.
#                                    If none is found, the reason goes to standard error.
set -eu

find_one() { # name
  for candidate in "$(command -v "$1" || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/"${1##*/}"; do
    # pyenv's own commands exist for each version, and fail for those that are not selected
    if [ -x "$candidate" ] && "$candidate" -c 'import venv' 2>/dev/null; then echo "$candidate"; return; fi
  done
  return 1
}

if [ "$1" != newer ]; then
  find_one "$1" || { echo "There is no Python named $1 here: install it, or write another name" >&2; exit 1; }
  exit
fi
if command -v "$2" >/dev/null; then
  main=$("$2" -c 'import sys; print(sys.version_info.minor)')
  missing="no Python newer than $("$2" --version 2>&1)"
else
  # A bare machine: bootstrap.sh installs the distribution's
  main=10 missing="no $2 yet, and no other Python that is new enough"
fi
minor=20
while [ "$minor" -gt "$main" ]; do
  if find_one "python3.$minor"; then exit; fi
  minor=$((minor - 1))
done
echo "This machine has $missing: no tests on a newer Python" >&2
