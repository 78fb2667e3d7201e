"""Build the selective scan of mamba-ssm for the card of this machine alone.

    python tests/gpu/build_mamba.py SDIST FOLDER SECONDS

Its own setup builds for every card that there is, which takes an hour. FOLDER then holds the Python
package and ``selective_scan_cuda.so``; both are found with FOLDER on the path. ``done`` or
``failed`` in it says how it ended; after SECONDS it is given up.
"""

import os
import signal
import sys
import tarfile
import time
from pathlib import Path
from typing import NoReturn

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
    import torch
    from torch.utils.cpp_extension import load  # asks for the compiler when it is imported

    os.environ["TORCH_CUDA_ARCH_LIST"] = "{}.{}".format(*torch.cuda.get_device_capability())
    load(
        "selective_scan_cuda",
        [str(file) for file in sorted((*kernels.glob("*.cpp"), *kernels.glob("*.cu")))],
        extra_cflags=["-O3", "-std=c++17"],
        extra_cuda_cflags=FLAGS,
        extra_include_paths=[str(kernels)],
        build_directory=str(folder),
        verbose=True,
    )


def main(sdist: Path, folder: Path, seconds: int) -> None:
    """Build, and note how long it took or why it failed."""
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    # each of its files takes minutes, and all at once are done long before they are looked at
    os.environ.setdefault("MAX_JOBS", str(os.cpu_count() or 2))

    def late(*_: object) -> NoReturn:
        raise TimeoutError(f"{seconds} s were not enough")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        build(sdist, folder)
    except Exception as error:
        kept(folder / "failed", f"{type(error).__name__}: {error}")
        end_compilers()
        raise
    kept(folder / "done", f"{time.monotonic() - begun:.0f}")


def kept(file: Path, text: str) -> None:
    """Write a file that is never seen half written."""
    written = file.with_suffix(".part")
    written.write_text(text)
    written.rename(file)


def end_compilers() -> None:
    """Those that still run would take time from the steps of the check."""
    if os.getpgrp() == os.getpid():  # else the group is that of whoever started this
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
