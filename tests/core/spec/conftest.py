"""Toy methods of every kind in one local file, and a way to write and load specs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from mmx import Spec, SpecError, load_spec
from mmx.errors import Fault

METHODS = '''
"""Toy methods of every kind."""
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny, model_validator

import mmx
from mmx.interfaces import SpecPath

MMX_API = 2


class Rows(mmx.DatasetParams):
    """Rows."""
    type: Literal["toy_rows"] = "toy_rows"
    root: SpecPath | None = Field(None, description="a folder")
    files: tuple[SpecPath, ...] = Field((), description="files")
    weights: Literal["none", "bundled"] | SpecPath = Field("none", description="a word or file")
    n: int = Field(10, gt=0, description="rows")
    def build(self): ...


class Words(mmx.NarrativeParams):
    """Words."""
    type: Literal["toy_words"] = "toy_words"
    def build(self, features): ...


class Eye(mmx.EncoderParams):
    """An image encoder."""
    modality = "image"
    type: Literal["toy_eye"] = "toy_eye"
    arch: str = Field("small", description="its size")
    def build(self): ...


class Wrapper(mmx.EncoderParams):
    """An image encoder around another."""
    modality = "image"
    type: Literal["toy_wrapper"] = "toy_wrapper"
    backbone: Annotated[
        SerializeAsAny[mmx.EncoderParams], mmx.chosen(mmx.EncoderParams, modality="image")
    ] = Field(description="what it wraps")
    def build(self): ...


class Ear(mmx.EncoderParams):
    """A text encoder."""
    modality = "text"
    type: Literal["toy_ear"] = "toy_ear"
    def build(self): ...


class Mix(mmx.FusionParams):
    """A fusion with settings."""
    type: Literal["toy_mix"] = "toy_mix"
    heads: int = Field(4, ge=1, description="heads")
    rate: float = Field(0.1, description="a rate")
    word: str = Field("", description="a text")

    @model_validator(mode="after")
    def _even(self):
        if self.heads == 13:
            raise mmx.ShapeError("13 heads bring bad luck")
        return self

    def build(self, shapes): ...


class Add(mmx.FusionParams):
    """A fusion without settings."""
    type: Literal["toy_add"] = "toy_add"
    def build(self, shapes): ...


class Top(mmx.HeadParams):
    """A head."""
    type: Literal["toy_top"] = "toy_top"
    hidden: int = Field(8, description="channels")
    def build(self, dim, classes): ...


class Plain(mmx.LossParams):
    """A loss."""
    type: Literal["toy_plain"] = "toy_plain"
    def build(self, class_counts): ...


class Even(mmx.LossParams):
    """A loss that corrects imbalance."""
    rebalances = property(lambda self: True)
    type: Literal["toy_even"] = "toy_even"
    def build(self, class_counts): ...


class Order(mmx.SamplerParams):
    """A sampler."""
    type: Literal["toy_order"] = "toy_order"
    def build(self, labels, seed): ...


class Balanced(mmx.SamplerParams):
    """A sampler that corrects imbalance."""
    rebalances = property(lambda self: True)
    type: Literal["toy_balanced"] = "toy_balanced"
    def build(self, labels, seed): ...


class Twice(mmx.InferenceParams):
    """An inference hook."""
    type: Literal["toy_twice"] = "toy_twice"
    times: int = Field(2, gt=0, description="how often")
    def build(self): ...


@mmx.hookimpl
def mmx_components() -> Sequence[type[mmx.Params]]:
    return [
        Rows, Words, Eye, Wrapper, Ear, Mix, Add, Top, Plain, Even, Order, Balanced, Twice
    ]
'''

GOOD = """\
name: good
data:
  dataset: toy_rows
  narrative: toy_words
model:
  image: toy_eye
  text: toy_ear
  fusion: {type: toy_mix, heads: 8}
  head: toy_top
loss: toy_plain
train:
  sampler: toy_order
"""

Load = Callable[..., Spec]


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the toy methods."""
    file = tmp_path_factory.mktemp("toys") / "toys.py"
    file.write_text(METHODS)
    return file


@pytest.fixture
def good() -> str:
    """A spec without faults, every method a toy."""
    return GOOD


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """A folder alone in its own, for ``mmx init`` looks for files in the folder above, too."""
    alone = tmp_path / "alone"
    alone.mkdir()
    return alone


@pytest.fixture
def load(tmp_path: Path, toys: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write files into an empty working folder and load the first one.

    ``load(text)`` writes spec.yaml; ``load({"child.yaml": ..., "base.yaml": ...})`` several.
    """
    monkeypatch.chdir(tmp_path)

    def load(files: str | dict[str, str], *overrides: str) -> Spec:
        named = {"spec.yaml": files} if isinstance(files, str) else files
        for name, text in named.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(dedent(text), encoding="utf-8")
        return load_spec(next(iter(named)), overrides=overrides, plugins=[toys])

    return load


@pytest.fixture
def faults(load: Load) -> Callable[..., Sequence[Fault]]:
    """The faults of what ``load`` refuses; none when it loads."""

    def faults(files: str | dict[str, str], *overrides: str) -> Sequence[Fault]:
        try:
            load(files, *overrides)
        except SpecError as error:
            return error.faults
        return []

    return faults
