"""Views of a wrapping encoder are cached one by one, under the keys of single images."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mmx import Features, FeatureShape, ImageEncoder, Images, Sample
from mmx.data import CachedViews, FeatureCache, FrozenEncoder, ImageStore, ViewStore
from mmx.interfaces import BackboneOutput, WrappingEncoder, innermost
from mmx.spec import ImageSpec

Write = Callable[..., Path]


class Colour(ImageEncoder):
    """Mean colour, through a layer; counts what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.shape, self.weights, self.seen = FeatureShape(4), {"origin": "random"}, 0
        self.layer = nn.Linear(3, 4)

    def forward(self, images: Images) -> Features:
        self.seen += int(images.mask.sum())
        pooled = self.layer(images.pixels[:, 0].float().mean(dim=(2, 3)) / 255)
        return Features.of_pooled(pooled, images.present)


class Mean(WrappingEncoder):
    """The mean over the views."""

    def __init__(self, backbone: ImageEncoder) -> None:
        super().__init__(backbone)
        self.shape = backbone.shape
        self.gain = nn.Parameter(torch.ones(()))

    def combine(self, seen: BackboneOutput) -> Features:
        share = seen.mask / seen.mask.sum(dim=1, keepdim=True).clamp(min=1)
        return Features.of_pooled(self.gain * (seen.pooled * share[..., None]).sum(dim=1))


class Halves(Mean):
    """Shows the left and the right half of one image, each filled up with the other colour."""

    recipe = "halves"

    def views(self, images: Images) -> Images:
        left, right = images.pixels.clone(), images.pixels.clone()
        half = images.pixels.shape[-1] // 2
        left[..., half:], right[..., :half] = 0, 0
        return Images(torch.cat([left, right], dim=1), self.view_mask(images.mask))

    def view_mask(self, mask: Tensor) -> Tensor:
        return mask.expand(-1, 2)


@pytest.fixture
def store(write_image: Write, tmp_path: Path) -> ImageStore:
    """Three rows over three files: [a, -, b], [b], [c, a]."""
    a, b, c = (write_image(f"{name}.png", seed=seed) for seed, name in enumerate("abc"))
    samples = [
        Sample("x", "g", {"image": (a, None, b)}),
        Sample("y", "g", {"image": (b,)}),
        Sample("z", "h", {"image": (c, a)}),
    ]
    spec = ImageSpec(height=20, width=30)
    return ImageStore(samples, spec, folder=tmp_path / "images", memory_gb=1.0)


def encode(wrapper: WrappingEncoder, store: ImageStore, folder: Path) -> CachedViews:
    views = ViewStore(store, wrapper)
    cache = FeatureCache(folder / "features", budget_gb=1.0)
    rows = list(range(len(store)))
    want = wrapper.needs(frozenset({"pooled"}))
    found = cache.encode(
        FrozenEncoder(innermost(wrapper), "{}"), views, views.real(rows), want=want
    )
    return CachedViews(found, views, rows)


@pytest.mark.parametrize("nested", [False, True])
def test_cached_views_give_what_the_images_give(
    store: ImageStore, tmp_path: Path, nested: bool
) -> None:
    torch.manual_seed(0)
    wrapper = Mean(Halves(Colour())) if nested else Mean(Colour())
    wrapper.learn("frozen")
    rows = [2, 0, 1]
    fresh = wrapper(store.collate(rows))
    cached = encode(wrapper, store, tmp_path).collate(rows)
    found = wrapper(cached)
    torch.testing.assert_close(found.pooled, fresh.pooled, rtol=1e-3, atol=1e-3)
    assert found.present.tolist() == fresh.present.tolist() == [True, True, True]
    assert cached.present.tolist() == [True, True, True]


def test_each_image_is_encoded_once_however_often_it_is_a_view(
    store: ImageStore, tmp_path: Path
) -> None:
    backbone = Colour()
    first = encode(Mean(backbone), store, tmp_path)
    assert (first.encoded, backbone.seen) == (3, 3)
    assert encode(Mean(backbone), store, tmp_path).encoded == 0


def test_other_views_are_other_features(store: ImageStore, tmp_path: Path) -> None:
    backbone = Colour()
    encode(Mean(backbone), store, tmp_path)
    assert encode(Mean(Halves(backbone)), store, tmp_path).encoded == 6
    assert encode(Mean(Halves(backbone)), store, tmp_path).encoded == 0


def test_a_single_image_has_the_key_of_its_row(write_image: Write, tmp_path: Path) -> None:
    a, b = write_image("a.png", seed=0), write_image("b.png", seed=1)
    box = (1.0, 2.0, 9.0, 8.0)
    spec = ImageSpec(height=20, width=30)
    plain = ImageStore(
        [Sample("a", "g", {"image": (a,)}, {"image": (box,)})],
        spec,
        folder=tmp_path / "images",
        memory_gb=1.0,
    )
    several = ImageStore(
        [Sample("z", "g", {"image": (b, a)}, {"image": (None, box)})],
        spec,
        folder=tmp_path / "images",
        memory_gb=1.0,
    )
    assert ViewStore(several, Mean(Colour())).keys[1] == plain.keys[0]


def test_the_place_of_an_absent_image_is_part_of_the_key(
    write_image: Write, tmp_path: Path
) -> None:
    a = write_image("a.png", seed=0)
    samples = [
        Sample("x", "g", {"image": (None, a)}),
        Sample("y", "g", {"image": (a, None)}),
        Sample("z", "g", {"image": (a,)}),
    ]
    spec = ImageSpec(height=20, width=30)
    store = ImageStore(samples, spec, folder=tmp_path / "images", memory_gb=1.0)
    assert store.mask.tolist() == [[False, True], [True, False], [True, False]]
    assert len(set(store.keys)) == 3  # the middle of two places is not that of one
    assert store.duplicates == []
    alone = ImageStore(samples[2:], spec, folder=tmp_path / "images", memory_gb=1.0)
    assert alone.keys == store.keys[2:]


def test_keys_of_views_do_not_depend_on_the_images_of_other_rows(
    store: ImageStore, write_image: Write, tmp_path: Path
) -> None:
    one = Sample("y", "g", {"image": (write_image("b.png", seed=1),)})
    spec = ImageSpec(height=20, width=30)
    alone = ImageStore([one], spec, folder=tmp_path / "images", memory_gb=1.0)
    for wrapper in (Mean(Colour()), Mean(Halves(Colour()))):
        keys = ViewStore(alone, wrapper).keys
        per_row = ViewStore(store, wrapper).per_row
        assert ViewStore(store, wrapper).keys[per_row : per_row + len(keys)] == keys


def test_the_backbone_never_runs_on_an_absent_view(store: ImageStore) -> None:
    backbone = Colour()
    Mean(backbone)(store.collate([0, 1, 2]))
    assert backbone.seen == 5


def test_what_stands_in_an_absent_view_never_matters(store: ImageStore) -> None:
    wrapper = Mean(Colour())
    images = store.collate([0, 1, 2])
    noisy = Images(images.pixels.masked_fill(~images.mask[..., None, None, None], 99), images.mask)
    assert torch.equal(wrapper(images).pooled, wrapper(noisy).pooled)


def test_the_backbone_learns_as_told_and_the_rest_always() -> None:
    wrapper = Mean(Colour())
    wrapper.learn("frozen")
    wrapper.train()
    assert wrapper.training
    assert not wrapper.backbone.layer.training  # type: ignore[union-attr]
    assert [name for name, p in wrapper.named_parameters() if p.requires_grad] == ["gain"]
    wrapper.learn("full")
    assert all(p.requires_grad for p in wrapper.parameters())
