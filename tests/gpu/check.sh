#!/usr/bin/env bash
# From a bare checkout and a folder of what pack.sh made to the table of check.py.
#
#   tests/gpu/check.sh CARRIED OUT [options of check.py]
#
# Nothing is fetched from anywhere. OUT gets the table, the figures and what was printed. Where the
# wheels cannot be installed the table comes all the same, and says what is missing.
set -uo pipefail
if [ $# -lt 2 ]; then
    sed -n '2,5s/^# \?//p' "$0"
    exit 2
fi
carried=$(realpath -m "$1") out=$(realpath -m "$2")
shift 2
cd "$(dirname "$0")/../.."
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade --target "$site" "$carried"/*.whl ||
    echo "the wheels in $carried could not be installed"
export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}" PATH="$site/bin:$PATH"
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1
python3 tests/gpu/check.py --carried "$carried" --out "$out" "$@" &
child=$!
trap 'kill "$child" 2>/dev/null' TERM INT # whoever stops this script gets the table of that one
wait "$child"
status=$?
while kill -0 "$child" 2>/dev/null; do # a signal ended the first wait, not the script
    wait "$child"
    status=$?
done
exit "$status"
