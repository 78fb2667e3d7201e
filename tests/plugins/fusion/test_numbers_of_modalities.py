"""Every fusion with one, two, three and eight modalities: it fuses them, or is refused at its line.

docs/methods.md says which takes how many.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import torch
from every_fusion import MakeFeatures, fuse

import mmx
from mmx import FeatureShape, FusionParams
from mmx.commands import find
from mmx.interfaces import PairFusionParams

PAGE = Path(__file__).parents[3] / "docs" / "methods.md"
NAMES = ("image", "text", "record", "fourth", "fifth", "sixth", "seventh", "eighth")
ENCODERS = {"image": "tiny_image", "text": "tiny_text", "record": "{type: tabular, model: mlp}"}
SPEC = """\
name: numbers
data:
  dataset: {{type: synthetic, n: 60}}
  narrative: {{type: column, column: text}}
model:
  encoders: {{{encoders}}}
  fusion: {fusion}
"""
COUNTS = (1, 2, 3, 8)
WIDTH, LEVELS = 16, (16, 16, 16)
SMALL = {"mamba": {"head_dim": 8}}
OF_ONE = ("image_only", "only", "text_only")
ROWS = {
    "one, which it names": OF_ONE,
    "any number, one included": (
        "add", "bottleneck", "concat", "drfuse", "gated", "healnet", "late", "low_rank", "medfuse",
        "mfb", "mmtm", "multiply", "perceiver", "shaspec",
    ),
    "two or more, each by its own name": ("film", "hierarchical", "tfn"),
    "two or more, all but the first joined": (
        "co_attention", "cross_attention", "ibfa", "mamba", "metablock", "mlb",
    ),
}  # fmt: skip
OURS = sorted(
    method.key.partition(".")[2]
    for method in mmx.Plugins().installed()
    if method.kind == "fusion" and method.package == "mmx"
)


def params_of(name: str) -> FusionParams:
    params = find("fusion", name)
    assert issubclass(params, FusionParams)
    return params.model_validate({"dim": WIDTH, **SMALL.get(name, {})})


def row_of(name: str) -> str:
    """The row of the table that a fusion belongs to, by what its class declares."""
    params = params_of(name)
    if name in OF_ONE:
        return "one, which it names"
    if isinstance(params, PairFusionParams):
        return "two or more, all but the first joined"
    assert params.takes in ((1, None), (2, None))
    one = params.takes[0] == 1
    return "any number, one included" if one else "two or more, each by its own name"


def refused() -> Iterator[tuple[str, int]]:
    """Fusions with the numbers of modalities that they cannot fuse."""
    for name in OURS:
        if row_of(name).startswith("two") or name == "text_only":
            yield name, 1
    yield "tfn", 8


def test_the_page_says_which_fusion_takes_how_many() -> None:
    found: dict[str, list[str]] = {}
    for name in OURS:
        found.setdefault(row_of(name), []).append(name)
    assert {row: tuple(names) for row, names in found.items()} == ROWS
    page = PAGE.read_text(encoding="utf-8")
    for row, names in ROWS.items():
        assert f"| {row} | {', '.join(f'`{name}`' for name in names)} |" in page


@pytest.mark.parametrize(("name", "count"), sorted({*product(OURS, COUNTS)} - {*refused()}))
def test_it_fuses_as_many_as_the_page_says(name: str, count: int, make: MakeFeatures) -> None:
    params, names = params_of(name), NAMES[:count]
    fusion = params.build(dict.fromkeys(names, FeatureShape(WIDTH, LEVELS))).eval()
    features = {one: make(2, 3, seed=k) for k, one in enumerate(names)}
    with torch.no_grad():
        fused = fuse(fusion, features)
    assert fused.pooled.isfinite().all()
    assert fused.present.all()


@pytest.mark.parametrize(("name", "count"), [*refused()])
def test_any_other_number_is_refused_at_the_line_of_the_fusion(
    name: str, count: int, tiny_plugin: Path, tmp_path: Path
) -> None:
    encoders = ", ".join(f"{one}: {ENCODERS.get(one, 'tiny_image')}" for one in NAMES[:count])
    file = tmp_path / "spec.yaml"
    file.write_text(SPEC.format(encoders=encoders, fusion=name))
    with pytest.raises(mmx.SpecError) as caught:
        mmx.load_spec(file, plugins=[tiny_plugin])
    (fault,) = caught.value.faults
    assert (fault.key, fault.line, fault.column) == ("model.fusion", 7, 11)
    advice = "modalities of this model: image" if name == "text_only" else "use fusion: "
    assert advice in fault.message
