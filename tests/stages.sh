#!/bin/sh
# Run make targets one after the other, stop at the first that fails, and say how long each took.
# usage: stages.sh TARGET...
set -u
began=$(date +%s) table='' failed=0
for stage in "$@"; do
  start=$(date +%s)
  result=passed
  ${MAKE:-make} --no-print-directory "$stage" || { result=FAILED; failed=1; }
  table="$table$(printf '%-24s %6d s  %s' "$stage" $(($(date +%s) - start)) $result)
"
  [ $failed = 0 ] || break
done
printf '\n%s%-24s %6d s\n' "$table" total $(($(date +%s) - began))
exit $failed
