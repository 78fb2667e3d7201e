#!/usr/bin/env bash
# Fill a folder with the wheels that a machine with a card lacks, mmx itself among them.
#
#   tests/gpu/pack.sh WHEELS [version of Python there, 3.12]
#
# torch, torchvision, timm, transformers, accelerate, pandas, pyarrow, scikit-learn and scipy must be there already.
set -euo pipefail
wheels=$1 python=${2:-3.12}
cd "$(dirname "$0")/../.."
mkdir -p "$wheels"
platforms=()
for tag in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014 manylinux1; do platforms+=(--platform "${tag}_x86_64"); done
PIP_CONSTRAINT=.ci/constraints.txt python3 -m pip download -q --no-deps --only-binary=:all: --python-version "$python" --implementation cp \
    "${platforms[@]}" -d "$wheels" pydantic pydantic-core annotated-types
rm -f "$wheels"/mmx-*.whl
python3 -m pip wheel -q --no-deps -w "$wheels" .
du -sh "$wheels"
