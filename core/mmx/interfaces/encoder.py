"""Encoders: from images or texts to features."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import ClassVar

import torch
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn

from mmx.errors import ShapeError
from mmx.interfaces.dataset import View
from mmx.interfaces.encoded_prompts import EncodedPrompts
from mmx.interfaces.features import Features, FeatureShape
from mmx.interfaces.frame import ImageFrame
from mmx.interfaces.input import Input, InputRows, Store
from mmx.interfaces.inputs import Images, Texts, TokenCount
from mmx.interfaces.lora import LoraTraining, Training, adapters_of, add_adapters
from mmx.interfaces.params import Params


class EncoderParams(Params):
    """Settings of an encoder; ``build`` gives the module with its weights loaded."""

    kind: ClassVar[str] = "encoder"
    modality: ClassVar[str]
    reads_boxes: ClassVar[bool] = False  # True: a new case is asked for the boxes of its images
    most_images: ClassVar[int | None] = None  # of a case that it reads; None: any number

    train: Training = Field(
        default="frozen",
        description="what learns: nothing (frozen), the last stage (last), all (full), or adapters "
        "beside a frozen network ({lora: {rank: 8, alpha: 16}})",
    )

    @property
    def views_made(self) -> tuple[View, ...]:
        """Views that it mirrors or turns a picture into; a run asks the data set for them first."""
        return ("identity",)

    @property
    def frame(self) -> ImageFrame | None:
        """How it wants to be shown images; None: as ``data.image`` says.

        Raises:
            WeightsError: the files that say so cannot be read.
        """
        return None

    @property
    def auxiliary_defaults(self) -> Mapping[str, float]:
        """Part -> weight of a cross-entropy of its own, unless ``train.auxiliary`` says else."""
        return {}

    def fields_read(self, fields: Sequence[str], leaks: Collection[str]) -> tuple[str, ...]:
        """Which fields of a record it looks at; none, unless it reads records.

        Args:
            fields: that records have.
            leaks: those that tell the label and are read only where the settings name them; none
                where a waiver lets them be read.
        """
        return ()

    @property
    def compares_texts(self) -> bool:
        """Whether its pooled vectors stand in a space with texts, so that prompts can be encoded.

        While the encoder is frozen, a run then has the control ``zero-shot``.
        """
        return False

    def encode_prompts(self, prompts: Sequence[str]) -> EncodedPrompts:
        """Texts in the space of its pooled vectors, by what reads texts in the same model.

        Asked only where it ``compares_texts``. A prompt's vector is the same alone as among others.

        Args:
            prompts: at least one; none of them is empty.

        Raises:
            WeightsError: what reads texts cannot be built.
        """
        raise NotImplementedError(f"{self.entry_point} does not compare images with texts")

    @abstractmethod
    def build(self) -> "Encoder":
        """Build the encoder and load its weights."""


class ImagesInput(Input):
    """Images, decoded once at the size that a spec states."""

    def prepare(self, rows: InputRows) -> Store:
        """The images of the modality."""
        return rows.images(self.name)


class TextsInput(Input):
    """Texts as token ids: each place and value as the encoder's ``tokenize`` gives it."""

    def prepare(self, rows: InputRows) -> Store:
        """The texts of the modality."""
        if not isinstance(self.encoder, TextEncoder):
            raise TypeError(f"{type(self.encoder).__name__} has no tokenize, so it reads no texts")
        return rows.tokens(self.name, self.encoder)


class Encoder(nn.Module, ABC):
    """Turns one modality into features; knows its widths before it runs.

    Attributes:
        input: the kind of data that it reads: images, texts, records, or one of its package's own.
        shape: widths of the features.
        weights: where the weights came from and their SHA-256, for the record of a run.
        parts: width of each named part that its features have.
        entries: explanation -> what its entries along the second axis are called, such as columns.
        notes: sentences for the report.
    """

    input: ClassVar[type[Input]]
    shape: FeatureShape
    weights: Mapping[str, str]
    parts: Mapping[str, int] = {}
    entries: Mapping[str, tuple[str, ...]] = {}
    notes: tuple[str, ...] = ()
    _training: Training = "full"

    def last_stage(self) -> Iterable[nn.Module]:
        """The modules that ``train: last`` lets learn."""
        raise ShapeError(f"{type(self).__name__} has no last stage; use train: frozen or full")

    def learn(self, training: Training) -> None:
        """Let nothing, the last stage, adapters or everything learn; the rest stays in eval mode.

        Raises:
            ShapeError: it has no last stage, or no layers for adapters.
        """
        self._training = training
        if isinstance(training, LoraTraining):
            self._adapt(training)
        self.requires_grad_(training == "full")
        for _, adapter in adapters_of(self):
            adapter.requires_grad_(training != "frozen")
        if training == "last":
            self._let_last_learn()
        self.train(self.training)

    def _let_last_learn(self) -> None:
        for stage in self.last_stage():
            stage.requires_grad_(True)
        if not any(parameter.requires_grad for parameter in self.parameters()):
            raise ShapeError(
                f"{type(self).__name__} has no last stage of its own here, so train: last lets "
                "nothing learn; use train: frozen, full or {lora: ...}"
            )

    @property
    def adapted(self) -> bool:
        """Whether adapters learn, and the network itself is what its source gives back."""
        return isinstance(self._training, LoraTraining)

    def _adapt(self, training: LoraTraining) -> None:
        """Put the adapters in, once."""
        if next(adapters_of(self), None) is None:
            self.notes = (*self.notes, add_adapters(self, training.lora))

    def train(self, mode: bool = True) -> "Encoder":
        """Enter training mode, but never for frozen parts: no dropout, no buffer update."""
        super().train(mode and self._training == "full")
        self.training = mode
        if mode and self._training == "last":
            for stage in self.last_stage():
                stage.train(True)
        if mode and self.adapted:  # the dropout of adapters is theirs
            for name, module in self.named_modules():
                if ".lora_dropout" in name:
                    module.train(True)
        return self


class ImageEncoder(Encoder):
    """Images to features."""

    input: ClassVar[type[Input]] = ImagesInput

    @abstractmethod
    def forward(self, images: Images) -> Features:
        """Encode [B, V, 3, H, W]; samples without an image are not present in the result.

        In training pixels may lie in memory with their channels last: use ``reshape``, not
        ``view``. A size of images that cannot be encoded raises; it is tried before a run, and the
        sizes that fit are told. A sample's features are the same alone as beside others, which
        may have more views; views that are masked never matter.
        """

    def check_views(self, most: int) -> None:
        """Refuse data whose samples have up to ``most`` images, where they do not fit.

        Raises:
            DataError: says what would fit.
        """


class SingleImageEncoder(ImageEncoder):
    """Encodes one image per sample; ``encode`` sees [B, 3, H, W], normalised."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    @abstractmethod
    def encode(self, pixels: Tensor) -> Features:
        """Encode normalised pixels [B, 3, H, W]."""

    def forward(self, images: Images) -> Features:
        """Encode [B, 1, 3, H, W]."""
        if images.pixels.shape[1] != 1:
            raise ShapeError(
                f"this encoder reads one image per sample, got {images.pixels.shape[1]} views; "
                "wrap it in an encoder for several views"
            )
        pixels = rearrange(images.pixels, "b 1 c h w -> b c h w")
        if not pixels.is_floating_point():
            pixels = pixels.to(self.mean.dtype) / 255
        return self.encode((pixels - self.mean) / self.std).with_present(images.present)


class TextEncoder(Encoder):
    """Texts to features."""

    input: ClassVar[type[Input]] = TextsInput

    @abstractmethod
    def tokenize(self, texts: Sequence[str]) -> Texts:
        """Ids [B, N], int64, and mask of any texts; an empty text has no real token.

        ``forward`` gets each place and value as given here, masked places included. Each text has
        the same ids and mask alone as among others; behind them stand masked places with one id, up
        to the longest of these texts. Besides the texts of the data it must take the empty text,
        a text that lacks some of its words (as explanations ask), and any other string: what it
        cannot read is a masked place or an unknown token, not an exception.
        """

    def count(self, texts: Sequence[str]) -> TokenCount | None:
        """How much of each text ``tokenize`` keeps; None where the encoder does not count.

        What is cut and what is unknown stands in the report of a run. Of an encoder that does not
        count, only cuts are found, by saying texts twice.
        """
        return None

    @abstractmethod
    def forward(self, texts: Texts) -> Features:
        """Encode [B, N] ids; samples without a real token are not present in the result."""
