"""Checkpoints: safetensors and JSON, of which one whole one is always there.

checkpoint/now-SERIAL.safetensors     weights that learn, and the optimiser's memory
checkpoint/best-EPOCH.safetensors     weights of the best epoch so far
checkpoint/latest.json                names and digests of those files, and the plain facts
checkpoint/previous.json              the checkpoint before it

A new checkpoint is written under new names; only then does latest.json change, by a rename.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from mmx.errors import RunError
from mmx.runs import Observer, RunFolder, plain

FOLDER = "checkpoint"
LATEST, PREVIOUS = f"{FOLDER}/latest.json", f"{FOLDER}/previous.json"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a training stands.

    Attributes:
        facts: plain data: step, records and the like.
        weights: all that training changes in the model.
        optimizer: the optimiser's memory.
        best: weights of the best epoch; empty before the first epoch ends.
        best_epoch: 1-based; 0 before the first epoch ends.
    """

    facts: Mapping[str, object]
    weights: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    best: Mapping[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0


class Checkpoints:
    """Writes and reads the checkpoints of a run.

    Args:
        run: the run.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._pointer: dict[str, Any] | None = None

    def save(self, snapshot: Snapshot) -> None:
        """Write a checkpoint; until it is whole, the one before it counts."""
        serial = self._pointer["serial"] + 1 if self._pointer else 0
        now = {f"model.{name}": value for name, value in snapshot.weights.items()}
        now |= {f"optimizer.{name}": value for name, value in snapshot.optimizer.items()}
        files = self._write({}, f"now-{serial:06d}.safetensors", now)
        if snapshot.best:
            name = f"best-{snapshot.best_epoch:06d}.safetensors"
            files = self._write(files, name, snapshot.best)
        # through JSON first, so that the digest is of what a reader will find
        facts = json.loads(json.dumps(plain(snapshot.facts)))
        body = {"serial": serial, "files": files, "facts": facts}
        body["best_epoch"] = snapshot.best_epoch
        latest = self.run.inside(LATEST)
        if latest.exists() and self._pointer:
            latest.replace(self.run.inside(PREVIOUS))
        self.run.write_json(LATEST, {"digest": _digest_of(body), **body})
        self._remove_old(keep=[self._pointer, body])
        self._pointer = body

    def _write(
        self, files: dict[str, str], name: str, tensors: Mapping[str, Tensor]
    ) -> dict[str, str]:
        known = (self._pointer or {}).get("files", {})
        if name in known and name.startswith("best-"):
            return {**files, name: known[name]}  # the best epoch is still the same
        content = save({key: value.detach().cpu().contiguous() for key, value in tensors.items()})
        self.run.write_bytes(f"{FOLDER}/{name}", content)
        return {**files, name: hashlib.sha256(content).hexdigest()}

    def _remove_old(self, keep: list[dict[str, Any] | None]) -> None:
        kept = {name for pointer in keep if pointer for name in pointer["files"]}
        for file in self.run.inside(LATEST).parent.glob("*.safetensors"):
            if file.name not in kept:
                file.unlink(missing_ok=True)

    def load(self, observer: Observer) -> Snapshot | None:
        """The newest whole checkpoint; None when there is none.

        A damaged one is told to the observer and passed over: training then goes on from the one
        before, or from the beginning, and ends with the same weights.
        """
        for name in (LATEST, PREVIOUS):
            if not (self.run.path / name).exists():
                continue
            try:
                pointer, snapshot = self._read(name)
            except RunError as error:
                observer.message(f"a checkpoint is damaged and passed over: {error}")
                self.run.event("checkpoint_damaged", file=name, reason=str(error))
                continue
            self._pointer = pointer
            return snapshot
        return None

    def _read(self, name: str) -> tuple[dict[str, object], Snapshot]:
        pointer = self.run.read_json(name)
        if not isinstance(pointer, dict) or _digest_of(pointer) != pointer.get("digest"):
            raise RunError(f"{name} is not as it was written")
        tensors = {file: self._tensors(file, digest) for file, digest in pointer["files"].items()}
        now = next(value for file, value in tensors.items() if file.startswith("now-"))
        best = [value for file, value in tensors.items() if file.startswith("best-")]
        snapshot = Snapshot(
            facts=pointer["facts"],
            weights=_under("model.", now),
            optimizer=_under("optimizer.", now),
            best=best[0] if best else {},
            best_epoch=pointer["best_epoch"],
        )
        return pointer, snapshot

    def _tensors(self, name: str, digest: str) -> dict[str, Tensor]:
        file, content = self.run.path / FOLDER / name, self.run.read_bytes(f"{FOLDER}/{name}")
        try:
            if hashlib.sha256(content).hexdigest() != digest:
                raise RunError(f"{file} is not as it was written")
            return load(content)
        except SafetensorError as error:
            raise RunError(f"{file} cannot be read: {error}") from error


def _digest_of(pointer: Mapping[str, object]) -> str:
    body = {name: value for name, value in pointer.items() if name != "digest"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = {k: v for k, v in tensors.items() if k.startswith(prefix)}
    return {name.removeprefix(prefix): value for name, value in found.items()}
