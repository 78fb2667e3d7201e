#!/usr/bin/env bash
# From a bare checkout and a folder of wheels to the table of check.py.
#
#   tests/gpu/check.sh WHEELS OUT [options of check.py]
#
# WHEELS is what pack.sh made; nothing is fetched from anywhere. OUT gets the figures.
set -uo pipefail
wheels=$(realpath "$1") out=$2
shift 2
cd "$(dirname "$0")/../.."
site=$(mktemp -d)
python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade --target "$site" "$wheels"/*.whl || exit 2
export PYTHONPATH="$site" PATH="$site/bin:$PATH" HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1
export MMX_RUNS="$site/runs" MMX_CACHE="$site/cache" MMX_LEDGER="$site/ledger"
exec python3 tests/gpu/check.py --out "$out" "$@"
