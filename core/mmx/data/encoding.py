"""Running a frozen encoder over inputs, and the arrays that are kept of what it gives."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmx.blocks import pool_level, store_channels_last
from mmx.errors import DataError
from mmx.interfaces import Encoder, Features, Images, Inputs, map_tensors

Precision = Literal["fp32", "bf16"]


class KeyedInputs(Protocol):
    """Inputs with the digest of all that decides each of them."""

    @property
    def keys(self) -> Sequence[str]:
        """One for each row; equal inputs have one key."""
        ...

    def collate(self, rows: Sequence[int]) -> Inputs:
        """The inputs of these rows."""
        ...


class Encoding:
    """An encoder over a source, and what is wanted of it."""

    def __init__(
        self,
        encoder: Encoder,
        source: KeyedInputs,
        kinds: list[str],
        dtype: "np.dtype[Any]",
        precision: Precision,
    ) -> None:
        self.encoder, self.source, self.kinds, self.dtype = encoder, source, kinds, dtype
        self.precision: Precision = precision
        state = [*encoder.parameters(), *encoder.buffers()]
        self.device = state[0].device if state else torch.device("cpu")

    def arrays(self, rows: list[int]) -> list[tuple[str, NDArray[Any]]]:
        """Named arrays of a batch of rows; in eval mode, without gradients."""
        with _evaluating(self.encoder, self.device, self.precision):
            return list(self._arrays(*self._encode(rows)))

    def _encode(self, rows: list[int]) -> tuple[Features, tuple[int, int] | None]:
        """Features of a batch, and height and width of its images."""
        # views are drawn in fp32: they are inputs, and blurring in bf16 is far slower
        with torch.autocast(self.device.type, enabled=False):
            given = self.source.collate(rows)
        frame = given.pixels.shape[-2:] if isinstance(given, Images) else None
        found: Features = self.encoder(map_tensors(given, lambda tensor: tensor.to(self.device)))
        return found, None if frame is None else (frame[0], frame[1])

    def _arrays(
        self, found: Features, frame: tuple[int, int] | None
    ) -> Iterator[tuple[str, NDArray[Any]]]:
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

    def _ragged(self, name: str, found: Features) -> Iterator[tuple[str, NDArray[Any]]]:
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

    def _numbers(self, values: Tensor) -> NDArray[Any]:
        """As they are stored; what does not fit the type is refused."""
        exact = values.float().cpu().numpy()
        with np.errstate(over="ignore"):
            stored: NDArray[Any] = exact.astype(self.dtype)
        if not np.isfinite(stored).all():
            worst = float(np.abs(exact).max())
            raise DataError(
                f"a feature of {type(self.encoder).__name__} is {worst:g}, which {self.dtype} "
                "cannot hold; store them as float32, or check the weights where it is not finite"
            )
        return stored


@contextmanager
def _evaluating(encoder: Encoder, device: torch.device, precision: Precision) -> Iterator[None]:
    """Eval mode without gradients; under autocast where bf16 is asked for."""
    mode = encoder.training
    encoder.eval()
    store_channels_last(encoder)
    try:
        with (
            torch.inference_mode(),
            torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"),
        ):
            yield
    finally:
        encoder.train(mode)
