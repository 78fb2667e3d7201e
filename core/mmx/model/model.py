"""The model: an encoder and a projection for each modality, a fusion and a head."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmx.errors import RunError
from mmx.interfaces import (
    ADAPTER,
    Batch,
    DecisionFusion,
    Encoder,
    Features,
    FeatureShape,
    Fusion,
    Head,
    HeadOutput,
    Inputs,
    Link,
    Outputs,
    Views,
    WrappingEncoder,
)
from mmx.model.frozen import frozen_features
from mmx.model.shared_names import told_apart


@dataclass(frozen=True, slots=True)
class ModalityPath:
    """The way of one modality to the fusion.

    Attributes:
        encoder: of the modality.
        projection: between encoder and fusion.
        reads: what is asked of the encoder: any of pooled, tokens, levels; empty for a modality
            that the fusion ignores.
        shape: what the fusion is given.
    """

    encoder: Encoder
    projection: nn.Module
    reads: frozenset[str]
    shape: FeatureShape


@dataclass(frozen=True, slots=True)
class Heads:
    """What makes logits of features.

    Attributes:
        heads: ``fused``, or one for each modality under a fusion of decisions.
        norms: in front of the head of the same name.
        of_parts: small heads on named parts, where the loss asks for them.
        link: makes logits of what heads give.
    """

    heads: Mapping[str, Head]
    norms: Mapping[str, nn.Module]
    of_parts: Mapping[str, nn.Module]
    link: Link


class Model(nn.Module):
    """Classifies batches of one or more modalities.

    Attributes:
        encoders: by the name of the modality, in the order of the spec.
        projections: of the same names, between encoder and fusion.
        fusion: mixes features, or decisions.
        norms: in front of the head of the same name; none with ``head_norm: none``.
        heads: ``fused``, or one for each modality under a fusion of decisions.
        part_heads: small heads on named parts, where the loss asks for them.
        link: makes logits of what heads give.
        modalities: names of the encoders.
        reads: what is asked of each encoder: any of pooled, tokens, levels; empty for a modality
            that the fusion ignores, whose encoder then never runs.
    """

    def __init__(
        self, paths: Mapping[str, ModalityPath], fusion: Fusion | DecisionFusion, heads: Heads
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict({name: one.encoder for name, one in paths.items()})
        self.projections = nn.ModuleDict({name: one.projection for name, one in paths.items()})
        self.fusion = fusion
        self.norms = nn.ModuleDict(heads.norms)
        self.heads = nn.ModuleDict(heads.heads)
        self.part_heads = nn.ModuleDict(heads.of_parts)
        self.link = heads.link
        self.modalities = tuple(paths)
        self.reads = {name: one.reads for name, one in paths.items()}

    @property
    def used(self) -> tuple[str, ...]:
        """The modalities that the fusion reads."""
        return tuple(name for name in self.modalities if self.reads[name])

    def encoder(self, name: str) -> Encoder:
        """The encoder of a modality."""
        found = self.encoders[name]
        assert isinstance(found, Encoder)
        return found

    def named_encoders(self) -> dict[str, Encoder]:
        """The encoder of each modality by its name."""
        return {name: self.encoder(name) for name in self.modalities}

    def forward(self, batch: Batch) -> Outputs:
        """Logits [B, K] of the fused path, and of the parts that have a head."""
        features = self.features(batch)
        present = torch.stack([one.present for one in features.values()], dim=1)
        if isinstance(self.fusion, DecisionFusion):
            return self._decide(self.fusion, features, present)
        fused = self.fusion(features)
        result = self._head("fused", fused)
        return Outputs(
            logits=self.link(result.logits),
            part_logits=self._of_parts({**_parts(features), **fused.parts}),
            present=present,
            part_present=self._there(features),
            penalties=_merge(_penalties(features), fused.penalties, result.penalties),
            explain=_merge(_explain(features), fused.explain, result.explain),
            modalities=self.modalities,
        )

    def _head(self, name: str, features: Features) -> HeadOutput:
        """What a head says to features, normalised in front of it."""
        read = self.norms[name](features) if name in self.norms else features
        result: HeadOutput = self.heads[name](read)
        return result

    def _of_parts(self, parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Logits [B, K] of each part that has a head."""
        return {name: self.link(head(parts[name])) for name, head in self.part_heads.items()}

    def _there(self, features: Mapping[str, Features]) -> dict[str, Tensor]:
        """[B], bool, by part that has a head: rows that have what it is made of."""
        found = {name: one.present for name, one in features.items()}
        found |= told_apart({k: dict.fromkeys(f.parts, f.present) for k, f in features.items()})
        return {name: found[name] if name in found else _any(features) for name in self.part_heads}

    def features(self, batch: Batch) -> dict[str, Features]:
        """Projected features of each modality, missing where the batch says so."""
        columns = batch.present.unbind(dim=1)
        return {
            name: self._modality(name, batch.inputs[name], present)
            for name, present in zip(self.modalities, columns, strict=True)
        }

    def encoded(self, batch: Batch, names: Iterable[str]) -> Batch:
        """The same batch with these modalities encoded, so that several passes encode them once."""
        return batch.with_inputs(
            {name: self._encode(name, batch.inputs[name]) for name in names if self.reads[name]}
        )

    def seen(self, batch: Batch, names: Iterable[str]) -> Batch:
        """The same batch with what frozen encoders make of these modalities, as the cache keeps it.

        A modality whose encoder learns stays as it is.
        """
        return batch.with_inputs(
            {name: self._look(name, batch.inputs[name]) for name in names if self.reads[name]}
        )

    def _look(self, name: str, given: Inputs) -> Inputs:
        """What the frozen encoder of a modality makes of it; the same where there is none."""
        if isinstance(given, Features | Views) or not self.frozen_inside(name):
            return given
        return frozen_features(self.encoder(name), given, self.reads[name])

    def _encode(self, name: str, given: Inputs) -> Features:
        """Features of one modality; of a frozen encoder as the cache keeps them."""
        seen = self._look(name, given)
        found: Features = seen if isinstance(seen, Features) else self.encoders[name](seen)
        return found

    def _modality(self, name: str, inputs: Inputs, present: Tensor) -> Features:
        if not self.reads[name]:
            return self._ignored(name, present)
        projected: Features = self.projections[name](self._encode(name, inputs))
        return projected.with_present(present)

    def _ignored(self, name: str, present: Tensor) -> Features:
        """What stands for a modality that the fusion never reads."""
        width: int = getattr(self.projections[name], "shape", self.encoder(name).shape).dim
        zeros = next(self.heads.parameters()).new_zeros(len(present), width)
        return Features.of_pooled(zeros, present)

    def _decide(
        self, fusion: DecisionFusion, features: Mapping[str, Features], present: Tensor
    ) -> Outputs:
        results = {name: self._head(name, one) for name, one in features.items()}
        logits = {name: self.link(result.logits) for name, result in results.items()}
        decisions = {name: self.link.log_probs(value) for name, value in logits.items()}
        return Outputs(
            logits=self.link.logits(fusion.combine(decisions, present)),
            part_logits={**logits, **self._of_parts(_parts(features))},
            present=present,
            part_present=self._there(features),
            penalties=_merge(_penalties(features), _penalties(results)),
            explain=_merge(_explain(features), _explain(results)),
            modalities=self.modalities,
        )

    def frozen_encoders(self) -> dict[str, Encoder]:
        """Encoders of which nothing learns, by name; of wrapping ones the innermost backbone."""
        return {name: inner for name, inner in self._innermost().items() if not _learns(inner)}

    def adapted_encoders(self) -> dict[str, Encoder]:
        """Encoders of which only adapters learn, by name; of wrapping ones the innermost one."""
        return {name: one for name, one in self._innermost().items() if one.adapted}

    def _innermost(self) -> dict[str, Encoder]:
        """The encoder of each modality, or the innermost backbone, by name."""
        return dict(map(self._innermost_of, self.modalities))

    def _innermost_of(self, modality: str) -> tuple[str, Encoder]:
        """The encoder of one modality, or the innermost backbone, behind its name."""
        name, inner = modality, self.encoder(modality)
        while isinstance(inner, WrappingEncoder):
            name, inner = f"{name}.backbone", inner.backbone
        return name, inner

    def frozen(self, modality: str) -> bool:
        """Whether nothing of the encoder of this modality learns."""
        name, inner = self._innermost_of(modality)
        return name == modality and not _learns(inner)

    def frozen_inside(self, modality: str) -> bool:
        """Whether nothing learns of this modality's encoder, or of the backbone inside it."""
        return not _learns(self._innermost_of(modality)[1])

    def trainable_state(self) -> dict[str, Tensor]:
        """All weights and buffers but what the sources of encoders give back.

        That is all of a frozen encoder, and of one with adapters all but these.
        """
        frozen = tuple(f"encoders.{name}." for name in self.frozen_encoders())
        adapted = tuple(f"encoders.{name}." for name in self.adapted_encoders())
        return {
            name: value
            for name, value in self.state_dict().items()
            if not name.startswith(frozen) and (ADAPTER in name or not name.startswith(adapted))
        }

    def load_trainable(self, state: Mapping[str, Tensor]) -> None:
        """Take back what ``trainable_state`` gave; anything missing or unknown is an error."""
        own = self.trainable_state()
        if own.keys() != state.keys():
            odd = sorted(own.keys() ^ state.keys())[:3]
            raise RunError(f"the weights are of another model; they differ in {', '.join(odd)}")
        self.load_state_dict(dict(state), strict=False)


def _learns(encoder: Encoder) -> bool:
    """Whether any of its weights does."""
    return any(weight.requires_grad for weight in encoder.parameters())


def _parts(features: Mapping[str, Features]) -> dict[str, Tensor]:
    """The parts of all modalities by name."""
    return told_apart({name: one.parts for name, one in features.items()})


def _penalties(given: Mapping[str, Features | HeadOutput]) -> dict[str, Tensor]:
    """What all modalities add to the loss, by name."""
    return told_apart({name: one.penalties for name, one in given.items()})


def _explain(given: Mapping[str, Features | HeadOutput]) -> dict[str, Tensor]:
    """What all modalities explain, by name."""
    return told_apart({name: one.explain for name, one in given.items()})


def _any(features: Mapping[str, Features]) -> Tensor:
    """[B], bool: samples of which any modality is there."""
    return torch.stack([one.present for one in features.values()]).any(dim=0)


def _merge(*mappings: Mapping[str, Tensor]) -> dict[str, Tensor]:
    merged: dict[str, Tensor] = {}
    for mapping in mappings:
        for name, value in mapping.items():
            merged[name if name not in merged else f"{name} (2)"] = value
    return merged
