"""Build the selective scan of mamba-ssm for the card of this machine alone.

    python tests/gpu/build_mamba.py SDIST FOLDER

Its own setup builds for every card that there is, which takes an hour. FOLDER then holds the Python
package and ``selective_scan_cuda.so``; both are found with FOLDER on the path. ``done`` or
``failed`` in it says how it ended.
"""

import os
import sys
import tarfile
import time
import traceback
from pathlib import Path

FLAGS = [
    "-O3", "-std=c++17", "--expt-relaxed-constexpr", "--expt-extended-lambda", "--use_fast_math",
    *(f"-U__CUDA_NO_{kind}_{what}__" for kind in ("HALF", "BFLOAT16", "BFLOAT162")
      for what in ("OPERATORS", "CONVERSIONS")),
]  # fmt: skip


def unpack(sdist: Path, folder: Path) -> Path:
    """The folder of its kernels; the Python package is put into ``folder``."""
    with tarfile.open(sdist) as packed:
        packed.extractall(folder / "sources", filter="data")
    (root,) = (folder / "sources").iterdir()
    (folder / "mamba_ssm").symlink_to(root / "mamba_ssm", target_is_directory=True)
    return root / "csrc" / "selective_scan"


def build(sdist: Path, folder: Path) -> None:
    """Unpack and compile."""
    kernels = unpack(sdist, folder.resolve())
    from torch.utils.cpp_extension import load  # asks for the compiler when it is imported

    load(
        "selective_scan_cuda",
        [str(file) for file in sorted((*kernels.glob("*.cpp"), *kernels.glob("*.cu")))],
        extra_cflags=["-O3", "-std=c++17"],
        extra_cuda_cflags=FLAGS,
        extra_include_paths=[str(kernels)],
        build_directory=str(folder),
        verbose=True,
    )


def main(sdist: Path, folder: Path) -> None:
    """Build, and note how long it took or why it failed."""
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    os.environ.setdefault("MAX_JOBS", str(max(1, (os.cpu_count() or 2) // 2)))
    try:
        build(sdist, folder)
    except Exception:
        (folder / "failed").write_text(traceback.format_exc())
        raise
    (folder / "done").write_text(f"{time.monotonic() - begun:.0f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
