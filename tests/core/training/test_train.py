"""Laws of training."""

import io
import json
import os
import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mmx.errors import DataError, RunError
from mmx.interfaces import Features, Outputs
from mmx.runs import RunFolder
from mmx.training.history import History
from mmx.training.interfaces import Rows, Trainable
from mmx.training.precision import cpu_has_bf16, resolve_precision
from mmx.training.scoring import better, predict_logits


def test_it_learns_and_ends_with_the_best_weights(
    tiny: Any, folder: RunFolder, listener: Any
) -> None:
    model = tiny.Tiny()
    spec = tiny.tiny_spec(epochs=8, optimizer={"lr": 0.02, "lr_image": 0.02, "lr_text": 0.02})
    history = tiny.tiny_train(folder.path, model, spec, observer=listener)
    scores = [epoch.scores["balanced_accuracy"] for epoch in history.epochs]
    assert max(scores) > 0.55
    assert history.best_epoch == scores.index(max(scores)) + 1
    logits = predict_logits(model, tiny.TinyPart(31, 2), batch_size=7).logits
    labels = tiny.TinyPart(31, 2).labels
    recalls = [(logits.argmax(1) == labels)[labels == c].double().mean() for c in range(3)]
    assert torch.stack(recalls).mean().item() == pytest.approx(max(scores))
    assert [event["epoch"] for event in folder.events("epoch")] == list(range(1, 9))
    assert listener.progressed[-1].done == listener.progressed[-1].total == history.steps
    assert History.from_json(json.loads(json.dumps(history.to_json()))) == history


def weights_after(tiny: Any, path: Path, **settings: Any) -> dict[str, torch.Tensor]:
    model = tiny.Tiny(plain=True)
    tiny.tiny_train(path, model, tiny.tiny_spec(**settings), rows=48)
    return model.state_dict()


def test_accumulation_equals_a_larger_batch(tiny: Any, tmp_path: Path) -> None:
    paths = [RunFolder.create(tmp_path, name, "0" * 12).path for name in "ab"]
    large = weights_after(tiny, paths[0], batch_size=12)
    small = weights_after(tiny, paths[1], batch_size=4, accumulate=3)
    for name in large:
        torch.testing.assert_close(small[name], large[name], atol=1e-5, rtol=1e-4)


def test_the_loop_is_a_plain_loop_of_torch(tiny: Any, folder: RunFolder) -> None:
    settings = {"epochs": 2, "schedule": "constant", "warmup": 0, "optimizer": "sgd"}
    found = weights_after(tiny, folder.path, **settings, clip_norm=0.5)
    model, part = tiny.Tiny(plain=True), tiny.TinyPart(48, 1)
    spec = tiny.tiny_spec(**settings)
    image, text = model.encoders.values()
    groups = [
        {"params": [p for p in module.parameters() if (p.ndim > 1) == decays], "lr": lr,
         "weight_decay": 0.01 * decays}
        for module, lr in ((image, 1e-4), (text, 2e-5), (model.head, 1e-3))
        for decays in (True, False)
    ]  # fmt: skip
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    sampler = spec.train.sampler.build(part.labels, 0)
    best: tuple[float, dict[str, torch.Tensor]] = (-1.0, {})
    validation = tiny.TinyPart(31, 2)
    for epoch in range(2):
        sampler.set_epoch(epoch)
        for rows in torch.tensor(list(sampler)).split(8):
            batch, target = part.batch(rows.tolist())
            nn.functional.cross_entropy(model(batch).logits, target).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
        right = model(validation.batch(range(31))[0]).logits.argmax(1) == validation.labels
        recall = [right[validation.labels == c].double().mean().item() for c in range(3)]
        if sum(recall) / 3 > best[0]:
            state = {name: value.clone() for name, value in model.state_dict().items()}
            best = (sum(recall) / 3, state)
    for name, value in best[1].items():
        torch.testing.assert_close(found[name], value, atol=1e-6, rtol=1e-5)


def draw_shard(file: Path, rows: Iterable[int]) -> None:
    """Pictures of 6 x 8 pixels, each in a colour of its own."""
    file.parent.mkdir(exist_ok=True)
    with tarfile.open(file, "w") as shard:
        for row in rows:
            colour, content = np.random.default_rng(row).integers(256, size=3), io.BytesIO()
            Image.new("RGB", (8, 6), tuple(colour.tolist())).save(content, "PNG")
            member = tarfile.TarInfo(f"{row:03}.png")
            member.size = content.tell()
            content.seek(0)
            shard.addfile(member, content)


def launched(server: Any, folder: RunFolder, processes: int, **order: Any) -> list[Any]:
    """What each of the processes of a launch found."""
    pids = server.start_together(folder, processes, **order)
    assert [server.wait(pid) for pid in pids] == [0] * processes
    return [json.loads((folder.path / f"result-{r}.json").read_text()) for r in range(processes)]


def test_two_processes_are_one(server: Any, tmp_path: Path) -> None:
    settings = {"epochs": 3, "modality_dropout": 0.3, "precision": "fp32", "batch_size": 8}
    settings["confidence"] = 0.2
    order = {"settings": settings, "plain": True, "rows": 48}
    one, two = (RunFolder.create(tmp_path, name, "0" * 12) for name in ("one", "two"))
    assert server.wait(server.start(one, **order)) == 0
    alone = json.loads((one.path / "result-0.json").read_text())
    first, second = launched(server, two, 2, **order)
    assert first == second
    assert two.read_json("training.json")["processes"] == 2
    for (loss, scores), (expected_loss, expected) in zip(
        first["epochs"], alone["epochs"], strict=True
    ):
        assert loss == pytest.approx(expected_loss, abs=1e-3)
        assert scores == pytest.approx(expected, abs=1e-3)


def test_processes_read_shards_of_their_own_and_learn_as_one(server: Any, tmp_path: Path) -> None:
    """One epoch over twelve shards, two batches a step."""
    for shard in range(12):
        draw_shard(tmp_path / "shards" / f"{shard:02}.tar", range(5 * shard, 5 * shard + 5))
    sampler = {"type": "shards", "lanes": 4, "window": 2}
    settings = {
        "epochs": 1, "precision": "fp32", "batch_size": 12, "accumulate": 2, "sampler": sampler,
        "optimizer": {"lr": 0.05, "lr_image": 0.05, "lr_text": 0.05},
    }  # fmt: skip
    order = {"settings": settings, "plain": True, "rows": 60, "shards": str(tmp_path / "shards")}
    found = {
        count: launched(server, RunFolder.create(tmp_path, f"{count}", "0" * 12), count, **order)
        for count in (1, 2)
    }
    (alone,) = found[1]
    assert Counter(alone["read"]) == {f"{shard:02}.tar": 5 for shard in range(12)}
    for count, several in found.items():
        files = [{*one["read"]} for one in several]
        assert sum(map(len, files)) == len(set().union(*files)) == 12, count
        assert sum(len(one["read"]) for one in several) == 60
        for name, weights in several[0]["weights"].items():
            close = {"atol": 1e-6, "rtol": 1e-5}
            torch.testing.assert_close(
                *map(torch.tensor, (weights, alone["weights"][name])), **close
            )


def test_early_stopping_waits_so_many_epochs(tiny: Any, folder: RunFolder) -> None:
    spec = tiny.tiny_spec(epochs=30, early_stopping=2, select="nll", optimizer={"lr": 0.3})
    history = tiny.tiny_train(folder.path, tiny.Tiny(), spec)
    assert history.stopped_early
    assert len(history.epochs) == history.best_epoch + 2
    losses = [epoch.scores["nll"] for epoch in history.epochs]
    assert losses.index(min(losses)) + 1 == history.best_epoch


def test_where_the_score_is_never_a_number_the_last_epoch_is_kept(
    tiny: Any, folder: RunFolder
) -> None:
    part = tiny.TinyPart(31, 2, several=True)
    part.labels = torch.ones_like(part.labels)  # no AUROC: every label is there in all rows
    spec = tiny.tiny_spec(task="multi_label", select="macro_auroc", early_stopping=1)
    model = tiny.Tiny(link=tiny.link(spec))
    history = tiny.tiny_train(folder.path, model, spec, parts={"validation": part})
    assert (history.best_epoch, len(history.epochs)) == (4, 4)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_loss_that_is_not_finite_stops_it_and_keeps_good_weights(
    tiny: Any, folder: RunFolder, clip: float | None
) -> None:
    part = tiny.TinyPart(50, 1)
    spec = tiny.tiny_spec(clip_norm=clip)
    row = list(spec.train.sampler.build(part.labels, spec.seed))[-1]
    part.text[row, 0] = torch.inf
    names = [f"case-{row}" for row in range(50)]
    with pytest.raises(RunError, match=f"the loss is nan at step 7; .* samples .*case-{row}"):
        tiny.tiny_train(
            folder.path, tiny.Tiny(), spec, parts={"train": part},
            sample_names=names,
        )  # fmt: skip
    from mmx.runs import SilentObserver
    from mmx.training.checkpoint import Checkpoints

    snapshot = Checkpoints(folder).load(SilentObserver())
    assert snapshot is not None
    assert all(value.isfinite().all() for value in snapshot.weights.values())


def test_a_gradient_that_is_not_finite_stops_it(tiny: Any, folder: RunFolder) -> None:
    class Edge(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + (x.detach() * 0 + (x * 0)).abs().sqrt()  # derivative of sqrt at 0

    model = tiny.Tiny()
    model.encoders["image"] = nn.Sequential(model.encoders["image"], Edge())
    with pytest.raises(RunError, match="gradient norm is nan at step 1"):
        tiny.tiny_train(folder.path, model, tiny.tiny_spec())
    assert all(value.isfinite().all() for value in model.state_dict().values())


def test_training_rows_need_labels(tiny: Any, folder: RunFolder) -> None:
    part = tiny.TinyPart(50, 1)
    part.labels[3] = -1
    with pytest.raises(DataError, match="1 rows"):
        tiny.tiny_train(folder.path, tiny.Tiny(), tiny.tiny_spec(), parts={"train": part})


def test_without_validation_rows_the_last_epoch_counts(tiny: Any, folder: RunFolder) -> None:
    part = tiny.TinyPart(5, 1)
    part.labels[:] = -1
    model = tiny.Tiny()
    history = tiny.tiny_train(folder.path, model, tiny.tiny_spec(), parts={"validation": part})
    assert history.best_epoch == 4
    assert history.epochs[0].scores == {}


def test_modalities_are_dropped_in_training_and_never_in_validation(
    tiny: Any, folder: RunFolder
) -> None:
    model, seen = tiny.Tiny(), []
    model.register_forward_pre_hook(
        lambda module, given: seen.append((module.training, given[0].present))
    )
    tiny.tiny_train(folder.path, model, tiny.tiny_spec(modality_dropout=0.5, epochs=2))
    training = torch.cat([present for mode, present in seen if mode])
    assert 0.3 < (~training).any(dim=1).float().mean() < 0.7
    assert training.any(dim=1).all()
    assert torch.cat([present for mode, present in seen if not mode]).all()


def test_images_are_augmented_in_training_alone(tiny: Any, folder: RunFolder) -> None:
    model, seen = tiny.Tiny(size=6), []
    model.register_forward_pre_hook(
        lambda module, given: seen.append((module.training, given[0].inputs["image"].pixels.dtype))
    )
    spec = tiny.tiny_spec(augment="dermoscopy", epochs=1, precision="bf16")
    tiny.tiny_train(folder.path, model, spec, pixels=True, allowed_views=("identity", "hflip"))
    assert {kind for mode, kind in seen if mode} == {torch.float32}
    assert {kind for mode, kind in seen if not mode} == {torch.uint8}
    with pytest.raises(RunError, match="augment"):
        tiny.tiny_train(folder.path, tiny.Tiny(), spec)


def test_settings_that_need_cuda_say_so(tiny: Any, folder: RunFolder) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(RunError, match="fp16 needs a CUDA device"):
        tiny.tiny_train(folder.path, tiny.Tiny(), tiny.tiny_spec(precision="fp16"))
    with pytest.raises(RunError, match=r"train\.compile"):
        tiny.tiny_train(folder.path, tiny.Tiny(), tiny.tiny_spec(compile=True))


def test_auto_precision_follows_the_work(tiny: Any) -> None:
    cpu = torch.device("cpu")
    cached, _ = tiny.TinyPart(2, 0).batch([0, 1])
    pixels, _ = tiny.TinyPart(2, 0, pixels=True).batch([0, 1])
    assert resolve_precision("auto", cpu, cached) == "fp32"
    assert resolve_precision("auto", cpu, pixels) == ("bf16" if cpu_has_bf16() else "fp32")
    five = Features(torch.rand(2, 5, 6), torch.ones(2, 5).bool())
    tokens = cached.with_inputs({"image": five})
    assert resolve_precision("auto", cpu, tokens) == "fp32"  # as arms that read none
    assert resolve_precision("bf16", cpu, cached) == "bf16"


def test_hooks_hear_of_every_epoch(tiny: Any, folder: RunFolder) -> None:
    heard: list[tuple[int, Any]] = []
    tiny.tiny_train(
        folder.path, tiny.Tiny(), tiny.tiny_spec(), epoch_ended=lambda *args: heard.append(args)
    )
    assert [epoch for epoch, _ in heard] == [1, 2, 3, 4]
    assert {"loss", "validation nll", "lr new", "samples_per_second"} <= heard[0][1].keys()


def test_predicting_leaves_mode_and_random_numbers_alone(tiny: Any) -> None:
    model, part = tiny.Tiny(), tiny.TinyPart(10, 0)
    model.train()
    before = torch.random.get_rng_state()
    outputs: Outputs = predict_logits(model, part, batch_size=3)
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), before)
    backwards = predict_logits(model, part, batch_size=10, positions=range(9, -1, -1))
    torch.testing.assert_close(backwards.logits.flip(0), outputs.logits)


def test_better_knows_which_way_is_up() -> None:
    nan = float("nan")
    assert better(0.6, 0.5, higher=True)
    assert not better(0.5, 0.5, higher=True)
    assert better(0.4, 0.5, higher=False)
    assert better(nan, None, higher=True)
    assert better(nan, nan, higher=True)
    assert not better(nan, 0.5, higher=True)
    assert better(0.4, nan, higher=False)


def test_the_real_model_and_part_have_the_surface_that_is_needed() -> None:
    from mmx.data import Part
    from mmx.model import Model

    trainable: type[Trainable] = Model
    rows: type[Rows] = Part
    needed = {"trainable_state", "load_trainable", "named_parameters", "train", "eval"}
    assert needed <= set(dir(trainable))
    assert {"batch", "__len__"} <= set(dir(rows))
    assert os.environ  # the assignments above are what the type checkers look at
