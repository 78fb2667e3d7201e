"""Running a frozen encoder over inputs, and the arrays that are kept of what it gives."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from mmx.blocks import exact_fp32, pool_level, store_channels_last
from mmx.errors import DataError
from mmx.interfaces import Encoder, Features, Images, Inputs, map_tensors

Precision = Literal["fp32", "bf16"]


@runtime_checkable
class FiledInputs(Protocol):
    """Inputs of which many lie in one file, such as a shard."""

    def file_of(self, row: int) -> str:
        """The file that an input lies in beside others; empty where it is alone, or computed."""
        ...


class KeyedInputs(Protocol):
    """Inputs with the digest of all that decides each of them."""

    @property
    def keys(self) -> Sequence[str]:
        """One for each row; equal inputs have one key."""
        ...

    def collate(self, rows: Sequence[int]) -> Inputs:
        """The inputs of these rows."""
        ...


@dataclass(frozen=True, slots=True)
class FrozenEncoder:
    """An encoder that does not learn, and all else that decides the numbers kept of it.

    Attributes:
        encoder: runs in eval mode; its mode comes back after.
        settings: as JSON, with whatever else decides its features, such as its source.
        dtype: type of the numbers on disk.
        precision: bf16 runs the encoder under autocast, channels last.
        batch_size: inputs encoded at a time, which decides nothing but the time it takes.
    """

    encoder: Encoder
    settings: str
    dtype: DTypeLike = np.float16
    precision: Precision = "fp32"
    batch_size: int = 64

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        state = [*self.encoder.parameters(), *self.encoder.buffers()]
        return state[0].device if state else torch.device("cpu")


class Encoding:
    """An encoder over a source, and what is wanted of it."""

    def __init__(self, frozen: FrozenEncoder, source: KeyedInputs, kinds: list[str]) -> None:
        self.frozen = frozen
        self.source = source
        self.kinds = kinds
        self.dtype = np.dtype(frozen.dtype)
        self.device = frozen.device

    def arrays(self, rows: list[int]) -> list[tuple[str, NDArray[np.generic]]]:
        """Named arrays of a batch of rows; in eval mode, without gradients."""
        with _evaluating(self.frozen):
            return list(self._arrays(*self._encode(rows)))

    def _encode(self, rows: list[int]) -> tuple[Features, tuple[int, int] | None]:
        """Features of a batch, and height and width of its images."""
        # views are drawn in fp32: they are inputs, and blurring in bf16 is far slower
        with torch.autocast(self.device.type, enabled=False):
            given = self.source.collate(rows)
        frame = given.pixels.shape[-2:] if isinstance(given, Images) else None
        found: Features = self.frozen.encoder(
            map_tensors(given, lambda tensor: tensor.to(self.device))
        )
        return found, None if frame is None else (frame[0], frame[1])

    def _arrays(
        self, found: Features, frame: tuple[int, int] | None
    ) -> Iterator[tuple[str, NDArray[np.generic]]]:
        """Named arrays of a batch, as they are appended."""
        for kind in self.kinds:
            yield f"{kind}.present", found.present.cpu().numpy()
        if "pooled" in self.kinds:
            yield "pooled", self._numbers(found.pooled)
        if "tokens" in self.kinds:
            yield from self._ragged("tokens", found)
        if "levels" in self.kinds:
            if not found.levels:
                raise DataError("this encoder gives no levels; choose a fusion that reads none")
            for depth, level in enumerate(found.levels):
                yield f"levels.{depth}.pooled", self._numbers(level.pooled)
                stored = level if frame is None else pool_level(level, *frame)
                yield from self._ragged(f"levels.{depth}", stored)

    def _ragged(self, name: str, found: Features) -> Iterator[tuple[str, NDArray[np.generic]]]:
        """Places up to each input's last real token, one input after the other; which are real.

        What stands at masked places never matters and is stored as zeros.
        """
        order = torch.arange(1, found.mask.shape[1] + 1, device=found.mask.device)
        lengths = (found.mask * order).amax(dim=1)
        kept = order <= lengths[:, None]
        real = found.mask[kept]
        yield name, self._numbers(found.tokens[kept].masked_fill(~real[:, None], 0))
        yield f"{name}.real", real.cpu().numpy()
        yield f"{name}.lengths", lengths.to(torch.int32).cpu().numpy()

    def _numbers(self, values: Tensor) -> NDArray[np.generic]:
        """As they are stored; what does not fit the type is refused."""
        exact = values.float().cpu().numpy()
        with np.errstate(over="ignore"):
            stored: NDArray[np.generic] = exact.astype(self.dtype)
        if not np.isfinite(stored).all():
            worst = float(np.abs(exact).max())
            method = type(self.frozen.encoder).__name__
            raise DataError(
                f"a feature of {method} is {worst:g}, which {self.dtype} "
                "cannot hold; store them as float32, or check the weights where it is not finite"
            )
        return stored


@contextmanager
def _evaluating(frozen: FrozenEncoder) -> Iterator[None]:
    """Eval mode without gradients; under autocast where bf16 is asked for."""
    encoder, half = frozen.encoder, frozen.precision == "bf16"
    mode = encoder.training
    encoder.eval()
    store_channels_last(encoder)
    try:
        with (
            torch.inference_mode(),
            exact_fp32(),
            torch.autocast(frozen.device.type, torch.bfloat16, enabled=half),
        ):
            yield
    finally:
        encoder.train(mode)
