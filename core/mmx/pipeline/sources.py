"""Where batches come from: cached features of frozen encoders, or what encoders read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmx.data import (
    CachedFeatures,
    CachedViews,
    FeatureCache,
    FrozenEncoder,
    ImageStore,
    KeyedInputs,
    Part,
    Source,
    ViewStore,
    part_of,
)
from mmx.interfaces import (
    Features,
    Store,
    WrappingEncoder,
    innermost,
    innermost_params,
)
from mmx.model import Model
from mmx.pipeline.encoding_device import encoding_on_device, with_device
from mmx.pipeline.identity import encoder_settings
from mmx.pipeline.prepare import PreparedData, cache_folder
from mmx.pipeline.stage_progress import stage
from mmx.runs import Observer
from mmx.spec import PARTS, Spec


class UnreadSource:
    """Stands for a modality that the fusion never reads: nothing is collated or encoded."""

    def __init__(self, present: Tensor) -> None:
        self._present = present

    def collate(self, rows: Sequence[int]) -> Features:
        """Zeros [B, 1, 1]; present where the row has this modality."""
        return Features.of_pooled(torch.zeros(len(rows), 1), self._present[list(rows)])


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of the batches by modality, and how they came about.

    Attributes:
        by_name: of all rows, in the order of the spec.
        stores: what the encoders read, by modality.
        encoded: inputs that each frozen encoder ran on just now, views where it stands in a
            wrapping one; a modality that trains is absent.
        notes: what a reader of the log should know.
    """

    by_name: Mapping[str, Source]
    stores: Mapping[str, Store]
    encoded: Mapping[str, int]
    notes: tuple[str, ...]

    def pixels(self) -> "Sources":
        """The same with images before encoding, for inference that changes them."""
        return replace(self, by_name={name: self._pixels(name) for name in self.by_name})

    def _pixels(self, name: str) -> Source:
        store, source = self.stores[name], self.by_name[name]
        return (
            store
            if isinstance(store, ImageStore) and not isinstance(source, UnreadSource)
            else source
        )

    def parts(self, prepared: PreparedData) -> dict[str, Part]:
        """The parts that the split has rows for, by name."""
        return {
            name: part_of(prepared.manifest, prepared.split, name, self.by_name)
            for name in PARTS
            if len(prepared.split.rows(name))
        }


def open_sources(
    spec: Spec,
    model: Model,
    stores: Mapping[str, Store],
    observer: Observer,
    *,
    rows: list[int],
    statistics: Mapping[str, str],
) -> Sources:
    """Run frozen encoders once over the rows, unless something moves the pixels in training.

    Args:
        spec: of the run.
        model: its encoders.
        stores: what each of them reads.
        observer: is told how far it has come.
        rows: that will be asked for.
        statistics: what each input learned, for the keys of the cache.
    """
    work = _Encoding(spec, model, observer, rows, statistics)
    found: dict[str, Source] = {}
    notes = dict[str, None]()
    for name, store in stores.items():
        frozen = model.frozen_inside(name)
        if not model.reads[name]:
            found[name] = UnreadSource(store.present)
        elif frozen and isinstance(store, ImageStore) and spec.train.changes(name) != "none":
            found[name] = store
            notes |= {
                "image augmentation moves the pixels: the frozen encoder runs in every epoch": None
            }
        else:
            found[name] = work.features(name, store) if frozen else store
    return Sources(found, stores, work.encoded, tuple(notes))


class _Encoding:
    """Frozen encoders over their inputs, by way of the cache."""

    def __init__(
        self,
        spec: Spec,
        model: Model,
        observer: Observer,
        rows: list[int],
        statistics: Mapping[str, str],
    ) -> None:
        self.spec = spec
        self.model = model
        self.observer = observer
        self.rows = rows
        self.statistics = statistics
        self.encoded: dict[str, int] = {}

    def features(self, name: str, store: Store) -> CachedFeatures | CachedViews:
        """Features of a modality, or of the views that a wrapping encoder shows its backbone."""
        encoder, want = self.model.encoder(name), self.model.reads[name]
        if self.spec.model.encoders[name].compares_texts:
            want = want | {"pooled"}  # which is compared, whatever the fusion reads
        found: CachedFeatures | CachedViews
        if isinstance(encoder, WrappingEncoder) and isinstance(store, ImageStore):
            found = self._views(name, ViewStore(store, encoder), encoder)
        else:
            found = self._encode(name, store, self.rows, want)
        self.encoded[name] = found.encoded
        return found

    def _views(self, name: str, views: ViewStore, wrapper: WrappingEncoder) -> CachedViews:
        want, first = wrapper.needs(self.model.reads[name]), wrapper.token_views
        if isinstance(wrapper.backbone, WrappingEncoder):
            first = None
        tokens = None
        if first is not None and "tokens" in want:
            tokens = self._encode(name, views, views.real(self.rows, first), want)
            want = want - {"tokens"}
        found = self._encode(name, views, views.real(self.rows), want)
        return CachedViews(found, views, self.rows, tokens, first)

    def _encode(
        self, name: str, source: KeyedInputs, rows: Sequence[int], want: frozenset[str]
    ) -> CachedFeatures:
        data, params = self.spec.data, innermost_params(self.spec.model.encoders[name])
        settings = encoder_settings(params, self.spec.plugins)
        if learned := self.statistics.get(name):
            settings = json.dumps([settings, learned])
        cache = FeatureCache(cache_folder(data) / "features", budget_gb=data.cache.budget_gb)
        encoder = innermost(self.model.encoder(name))
        with stage(self.observer, f"{name}s", f"{name}s") as told, encoding_on_device(encoder):
            frozen = FrozenEncoder(
                encoder,
                with_device(settings),
                precision=self.spec.model.encoding,
                batch_size=self.spec.evaluation.batch_size,
            )
            return cache.encode(
                frozen,
                source,
                rows,
                want=want,
                progress=told,
                waiting=self.observer.message,
            )
