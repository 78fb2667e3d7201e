"""A run that is killed ends like one that is not."""

import json
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from mmx.runs import RunFolder

SETTINGS: dict[str, Any] = {
    "epochs": 5, "modality_dropout": 0.3, "accumulate": 2, "batch_size": 4, "schedule": "cosine",
    "confidence": 0.2,
}  # fmt: skip


def result(folder: RunFolder) -> Any:
    return json.loads((folder.path / "result-0.json").read_text())


def folder_of(path: Path, name: str) -> RunFolder:
    return RunFolder.create(path, name, "0" * 12)


def wait_for_checkpoints(folder: RunFolder, number: int) -> None:
    """Wait until so many more checkpoints were written."""
    latest, seen = folder.path / "checkpoint" / "latest.json", set[int]()
    deadline = time.monotonic() + 60
    while len(seen) <= number:
        assert time.monotonic() < deadline
        with suppress(FileNotFoundError):  # for a moment there is the one before alone
            seen.add(latest.stat().st_mtime_ns)
        time.sleep(0.001)


def test_killed_at_random_moments_it_ends_with_the_same_bits(server: Any, tmp_path: Path) -> None:
    whole, killed = folder_of(tmp_path, "whole"), folder_of(tmp_path, "killed")
    together = server.start(whole, settings=SETTINGS)
    moments, torn = random.Random(0), 0
    for number in range(6):
        # every other kill comes in the middle of writing a checkpoint, on a disk that is slow
        writing = number % 2 == 1
        pid = server.start(killed, settings=SETTINGS, slow=0.1 * writing)
        wait_for_checkpoints(killed, moments.randint(1, 3))
        time.sleep(moments.uniform(0, 0.03))
        while writing and not list(killed.path.rglob(".*.part")):
            time.sleep(0.001)
        os.kill(pid, signal.SIGKILL)
        assert server.wait(pid) == -signal.SIGKILL
        torn += bool(list(killed.path.rglob(".*.part")))
        killed.sweep()
    assert torn >= 2
    assert server.wait(server.start(killed, settings=SETTINGS)) == 0
    assert server.wait(together) == 0
    assert result(killed) == result(whole)
    steps = [event["step"] for event in killed.events("resumed")]
    assert len(steps) >= 5
    assert any(step % 7 for step in steps)  # some in the middle of an epoch


@pytest.mark.parametrize(
    "others", [{"task": "multi_label"}, {"task": "ordinal"}, {"sampler": {"type": "shards"}}]
)
def test_other_tasks_and_samplers_end_with_the_same_bits_too(
    server: Any, tmp_path: Path, others: dict[str, Any]
) -> None:
    whole, killed = folder_of(tmp_path, "whole"), folder_of(tmp_path, "killed")
    settings = {**SETTINGS, "epochs": 3, **others}
    together = server.start(whole, settings=settings)
    for number in (1, 2):
        pid = server.start(killed, settings=settings, slow=0.05)
        wait_for_checkpoints(killed, number)
        os.kill(pid, signal.SIGKILL)
        assert server.wait(pid) == -signal.SIGKILL
        killed.sweep()
    assert server.wait(server.start(killed, settings=settings)) == 0
    assert server.wait(together) == 0
    assert result(killed) == result(whole)
    assert len(killed.events("resumed")) == 2


def test_two_processes_go_on_with_what_was_kept(server: Any, tmp_path: Path) -> None:
    whole, killed = folder_of(tmp_path, "whole"), folder_of(tmp_path, "killed")
    order = {"settings": {**SETTINGS, "epochs": 3, "batch_size": 8}, "rows": 48}
    together = server.start_together(whole, 2, **order)
    pids = server.start_together(killed, 2, slow=0.05, **order)
    wait_for_checkpoints(killed, 2)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert [server.wait(pid) for pid in pids] == [-signal.SIGKILL] * 2
    killed.sweep()
    again = server.start_together(killed, 2, **order)
    assert [server.wait(pid) for pid in (*again, *together)] == [0] * 4
    found, wanted = result(killed), result(whole)
    assert found["digest"] == wanted["digest"]
    assert [scores for _, scores in found["epochs"]] == [scores for _, scores in wanted["epochs"]]
    # of the epoch that was stopped, a checkpoint has the losses of the rows of the first process
    losses = zip(found["epochs"], wanted["epochs"], strict=True)
    assert sum(loss != expected for (loss, _), (expected, _) in losses) <= 1
    assert len(killed.events("resumed")) == 1


def test_a_damaged_checkpoint_is_passed_over(
    tiny: Any, folder: RunFolder, tmp_path: Path, listener: Any
) -> None:
    whole = tiny.Tiny()
    tiny.tiny_train(folder_of(tmp_path, "whole").path, whole, tiny.tiny_spec(epochs=3))

    def stop(epoch: int, values: object) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny.tiny_train(folder.path, tiny.Tiny(), tiny.tiny_spec(epochs=3), epoch_ended=stop)
    newest = folder.read_json("checkpoint/latest.json")
    file = folder.path / "checkpoint" / next(n for n in newest["files"] if n.startswith("now-"))
    file.write_bytes(file.read_bytes()[:-5])  # cut short
    model = tiny.Tiny(seed=9)  # its own weights must not matter
    tiny.tiny_train(folder.path, model, tiny.tiny_spec(epochs=3), observer=listener)
    assert any("damaged" in text for text in listener.said)
    assert folder.events("resumed")[0]["step"] > 0
    assert tiny.digest(model) == tiny.digest(whole)


def test_ctrl_c_leaves_a_run_that_goes_on(tiny: Any, folder: RunFolder, tmp_path: Path) -> None:
    spec = tiny.tiny_spec(epochs=3, checkpoint_minutes=60)
    whole = tiny.Tiny()
    tiny.tiny_train(folder_of(tmp_path, "whole").path, whole, spec)
    interrupted = tiny.TinyPart(50, 1)
    fetch, calls = interrupted.batch, []

    def batch(positions: Any) -> Any:
        calls.append(positions)
        if len(calls) == 12:  # in the second epoch
            signal.raise_signal(signal.SIGINT)
        return fetch(positions)

    interrupted.batch = batch
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="run the same spec again"):
        tiny.tiny_train(folder.path, tiny.Tiny(), spec, parts={"train": interrupted})
    assert signal.getsignal(signal.SIGINT) is before
    model = tiny.Tiny(seed=9)
    tiny.tiny_train(folder.path, model, spec)
    assert folder.events("resumed")[0]["step"] % 7 != 0
    assert tiny.digest(model) == tiny.digest(whole)


def test_a_finished_training_is_not_repeated(tiny: Any, folder: RunFolder) -> None:
    model, again = tiny.Tiny(), tiny.Tiny(seed=9)
    history = tiny.tiny_train(folder.path, model, tiny.tiny_spec())
    started = time.perf_counter()
    assert tiny.tiny_train(folder.path, again, tiny.tiny_spec()) == history
    assert time.perf_counter() - started < 1
    assert tiny.digest(again) == tiny.digest(model)
    assert len(folder.events("epoch")) == 4


def test_nothing_in_a_checkpoint_is_pickled(tiny: Any, folder: RunFolder) -> None:
    tiny.tiny_train(folder.path, tiny.Tiny(), tiny.tiny_spec(epochs=1))
    suffixes = {file.suffix for file in (folder.path / "checkpoint").iterdir()}
    assert suffixes == {".json", ".safetensors"}


def test_resolved_values_outlive_a_restart(tiny: Any, folder: RunFolder) -> None:
    stored = {"precision": "bf16", "threads": 1, "processes": 1, "device": "cpu"}
    folder.write_json("training.json", stored)  # auto would choose fp32 for cached features
    history = tiny.tiny_train(folder.path, tiny.Tiny(), tiny.tiny_spec(epochs=1))
    assert history.precision == "bf16"
    assert folder.read_json("training.json") == stored


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_optimisers_remember_in_the_layout_of_their_parameters(optimizer: str, tiny: Any) -> None:
    from mmx.training.optimiser import build_optimizer, flat_state, load_flat_state

    def build() -> tuple[Any, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = tiny.Tiny()
        model.encoders["image"] = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        return model, build_optimizer(model, tiny.tiny_spec(optimizer=optimizer).train.optimizer)

    def step(model: Any, optimizer: torch.optim.Optimizer, seed: int) -> None:
        torch.manual_seed(seed)
        x = torch.randn(2, 3, 5, 6).contiguous(memory_format=torch.channels_last)
        model.encoders["image"](x).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    model, first = build()
    other, second = build()
    step(model, first, 1)
    other.load_state_dict(model.state_dict())
    load_flat_state(second, {k: v.clone().contiguous() for k, v in flat_state(first).items()})
    step(model, first, 2)
    step(other, second, 2)
    assert torch.equal(model.encoders["image"].weight, other.encoders["image"].weight)
