"""Runs of which adapters learn: what is kept, going on, and being asked again."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, processors
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

import mmx
from mmx.interfaces import ADAPTER

Load = Callable[..., mmx.Spec]
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "It", "itches", "bleeds", "burns", "badly", "night")


@pytest.fixture
def adapted(load: Load, home: Path, tiny_spec: Path) -> mmx.Spec:
    """The tiny experiment, of 60 rows, with adapters in a folder of a small DistilBERT."""
    from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast

    tiny_spec.write_text(tiny_spec.read_text().replace("n: 120", "n: 60"))
    folder = home / "bert"
    config = DistilBertConfig(vocab_size=len(WORDS), dim=16, hidden_dim=24, n_layers=2, n_heads=2)
    DistilBertModel(config).save_pretrained(folder)
    rules = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    rules.pre_tokenizer = Whitespace()
    rules.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=rules, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    lora = "{lora: {rank: 2, alpha: 4, dropout: 0.1}}"
    return load(
        f"model.text={{type: transformers, model: {folder}, train: {lora}}}",
        "train.epochs=2",
        "train.optimizer.rates={text: 0.01}",
        "evaluation.explain=false",
    )


def test_adapters_are_kept_alone_go_on_and_answer_again(
    adapted: mmx.Spec,
    stop_in_training: Callable[[mmx.Spec], None],
    tiny_spec: Path,
    tiny_plugin: Path,
) -> None:
    stop_in_training(adapted)
    run = mmx.run(adapted)
    assert run.folder.events("resumed")
    kept = load_file(run.path / "model.safetensors")
    own = {name: value for name, value in kept.items() if name.startswith("encoders.text.")}
    assert own
    assert all(ADAPTER in name for name in own)
    assert any(value.abs().max() > 0 for name, value in own.items() if ".lora_B" in name)
    learning = run.metrics["parameters"]["learning"]
    assert learning == sum(value.numel() for value in kept.values() if value.is_floating_point())
    assert "Adapters of rank 2 beside 4 layers (q_lin,v_lin) learn" in run.report.read_text()
    again = mmx.evaluate_run(run.path, tiny_spec, plugins=[tiny_plugin])
    expected = run.metrics["test"]["metrics"]
    for name, interval in again.evaluation.metrics.items():
        assert interval.value == pytest.approx(expected[name]["value"], abs=5e-3), name
    first = run.predictions.copy()
    whole = mmx.run(adapted, fresh=True)
    pd.testing.assert_frame_equal(first, whole.predictions)
    second = load_file(whole.path / "model.safetensors")
    assert kept.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in kept.items())
