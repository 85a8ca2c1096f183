#!/bin/sh
# Run make targets one after the other, stop at the first that fails, and say how long each took.
# Targets joined by commas run two at a time, and each line of theirs begins with the target's name.
# Three scenarios at a time would make two cores too busy for tests of waiting. A target that is written as
# slow:TARGET runs at a low priority: it takes what the others leave.
# usage: stages.sh TARGET[,[slow:]TARGET...]...
set -u

one() { # target: run it, note how long it took
  start=$(date +%s)
  result=passed
  ${MAKE:-make} --no-print-directory "$1" || result=FAILED
  printf '%-26s %6d s  %s\n' "$1" $(($(date +%s) - start)) $result >> "$work/table"
}

if [ "${1:-}" = --one ]; then
  work=$2
  target=${3#slow:}
  [ "$target" = "$3" ] || exec nice -n 10 "$0" --one "$work" "$target"
  one "$target" 2>&1 | sed -u "s/^/$target: /"
  exit
fi
began=$(date +%s)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
for stage in "$@"; do
  case $stage in
    *,*) echo "$stage" | tr , '\n' | xargs -n 1 -P 2 "$0" --one "$work" ;;
    *) one "$stage" ;;
  esac
  ! grep -q FAILED "$work/table" || break
done
printf '\n'; cat "$work/table"
printf '%-26s %6d s\n' total $(($(date +%s) - began))
! grep -q FAILED "$work/table"
