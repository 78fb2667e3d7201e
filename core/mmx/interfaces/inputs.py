"""What encoders read: images, texts, and the batch that holds both."""

from dataclasses import dataclass

from torch import Tensor

from mmx.interfaces.features import Features


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a batch.

    Attributes:
        pixels: [B, V, 3, H, W], RGB; uint8 in 0..255 or floating point in [0, 1].
        mask: [B, V], bool; True marks a real view. A sample without one has no image.
        boxes: [B, V, 4], float: left, top, right, bottom as shares of width and height in [0, 1];
            NaN where a view has no box. None when the data set has none at all.
    """

    pixels: Tensor
    mask: Tensor
    boxes: Tensor | None = None

    @property
    def present(self) -> Tensor:
        """[B], bool: samples that have an image."""
        return self.mask.any(dim=1)


@dataclass(frozen=True, slots=True)
class Views:
    """What a frozen backbone made of the views that a wrapping encoder shows it.

    Attributes:
        features: of all views, [B*V, N, D]: view by view, sample by sample; what an absent view
            holds never matters.
        masks: [B, V] of the outermost wrapping encoder, bool; True marks a real view. Then
            [B*V, W] of a wrapping encoder inside it, and so on.
        size: height and width of the views in pixels.
    """

    features: Features
    masks: tuple[Tensor, ...]
    size: tuple[int, int]

    @property
    def present(self) -> Tensor:
        """[B], bool: samples that have a view."""
        return self.masks[0].any(dim=1)


@dataclass(frozen=True, slots=True)
class Texts:
    """The tokenised texts of a batch, padded to the longest one.

    Attributes:
        ids: [B, N], int64; any values.
        mask: [B, N], bool; True marks a real token, in any places. An empty text has none.
    """

    ids: Tensor
    mask: Tensor

    @property
    def present(self) -> Tensor:
        """[B], bool: samples that have a text."""
        return self.mask.any(dim=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch; a side is features already where a frozen encoder's result was cached.

    Attributes:
        image: what the image encoder reads, or gave.
        text: what the text encoder reads, or gave.
        present: [B, 2], bool: image, text. A missing side never lets its content through.
        group: the group (lesion, patient, study) of each sample; empty when nobody needs it.
    """

    image: Images | Features | Views
    text: Texts | Features
    present: Tensor
    group: tuple[str, ...] = ()
