#!/usr/bin/env bash
# Fill a folder with what a machine with a card lacks: wheels of all that mmx and open_clip need and
# there.txt does not name, mmx itself, and the sources of mamba-ssm, whose kernels are built there.
#
#   tests/gpu/pack.sh FOLDER [version of Python there, 3.12]
#
# Needs a network and a Python with mmx's build backend; FOLDER must stay below 64 MiB.
set -euo pipefail
folder=$1 python=${2:-3.12}
cd "$(dirname "$0")/../.."
mkdir -p "$folder"
rm -f "$folder"/*.whl
platforms=()
for tag in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014 manylinux1; do platforms+=(--platform "${tag}_x86_64"); done
there=(--only-binary=:all: --python-version "$python" --implementation cp "${platforms[@]}")
export PIP_DISABLE_PIP_VERSION_CHECK=1

python3 -m pip wheel -q --no-deps -w "$folder" .
report=$(mktemp)
trap 'rm -rf "$report" "$report.tools"' EXIT
python3 -m pip install -q --dry-run --ignore-installed --target "$report.never" --report "$report" "${there[@]}" "$(echo "$folder"/mmx-*.whl)[open-clip]"
mapfile -t lacking < <(python3 tests/gpu/lacking.py "$report" tests/gpu/there.txt)
echo "carried: ${lacking[*]}"
python3 -m pip download -q --no-deps "${there[@]}" -d "$folder" "${lacking[@]}"
# pip runs the setup of the sources for their name; isolated it would fetch torch for that
tools=$report.tools
python3 -m pip install -q --target "$tools" packaging setuptools wheel
[ -n "$(ls "$folder"/mamba_ssm-*.tar.gz 2>/dev/null)" ] ||
    MAMBA_SKIP_CUDA_BUILD=TRUE PYTHONPATH="$tools" python3 -m pip download -q --no-deps --no-binary :all: --no-build-isolation -d "$folder" mamba-ssm ||
    echo "the sources of mamba-ssm are not to be had here; the step state_space says so"

size=$(du -sk "$folder" | cut -f1)
echo "$size KiB in $folder"
[ "$size" -lt 65536 ] || { echo "more than 64 MiB"; exit 1; }
