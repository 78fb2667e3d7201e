"""Every preset, small, asked about its own rows one by one: each answer is that of the run.

The encoders are those of tests/tiny and the rows a table with up to four photographs each; method,
loss and hooks are those of the preset.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mmx
from mmx.blocks import TURNS

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDS_ITS_DATA = ("rangm_visual", "rangm_retrieved", "rangm_oracle", "rangm_meta", "finetune")
PRESETS = {
    path.stem: path
    for folder in ("spine", "ham10000")
    for path in sorted((EXAMPLES / folder).glob("*.yaml"))
    if path.stem not in NEEDS_ITS_DATA and not (path.stem.startswith(("mibf", "connext")))
}
PRESETS["mibf_net_published"] = EXAMPLES / "ham10000" / "mibf_net_published_bundled.yaml"
QUICK = ("baseline", "sequence", "multi_view", "pseudo_3d", "mc_dropout", "tta")
ANSWERED = ("p_", "entropy", "mutual", "in_set", "set_size", "confidence", "accepted")
PHOTOS = [f"photo_{place}" for place in range(1, 5)]
SHORT = (
    "train.epochs=1", "train.batch_size=8", "evaluation.resamples=100", "evaluation.explain=0",
    "data.image={height: 32, width: 40}", "data.narrative={type: column, column: notes}",
)  # fmt: skip


def rows(folder: Path, most: int) -> pd.DataFrame:
    """Forty cases with one to so many photographs and one to nine words."""
    generator, cases = np.random.default_rng(0), []
    for row in range(40):
        light = 90 * (row % 2) + generator.integers(0, 60, (1, 1, 3))
        case: dict[str, Any] = {"id": f"c{row}", "finding": "benign" if row % 2 else "malignant"}
        case["notes"] = " ".join(f"word{word}" for word in range(row % 9 + 1))
        for place, name in enumerate(PHOTOS[: 1 + row % most]):
            pixels = (light + generator.integers(0, 90, (32, 40, 3))).astype(np.uint8)
            case[name] = f"{row}-{place}.png"
            Image.fromarray(pixels).save(folder / case[name])
        cases.append(case)
    return pd.DataFrame(cases)


def wraps(path: Path) -> bool:
    """Whether the image encoder of a preset stands around another one."""
    return "backbone" in mmx.load_spec(path).resolved()["model"]["encoders"]["image"]


def small(path: Path, table: Path, images: list[str], plugin: Path) -> mmx.Spec:
    """The preset on these rows, with tiny encoders in the places of its own."""
    dataset = (
        f"data.dataset={{type: table, path: '{table}', images: [{', '.join(images)}], id: id, "
        f"group: null, text: notes, label: finding, allowed_views: [{', '.join(TURNS)}]}}"
    )
    image = "model.image.backbone=tiny_image" if wraps(path) else "model.image=tiny_image"
    changes = (dataset, image, "model.text=tiny_text", *SHORT)
    return mmx.load_spec(path, overrides=changes, plugins=[plugin])


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in PRESETS]
)
def test_a_case_alone_is_answered_as_in_the_run(
    name: str, home: Path, tiny_plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMX_DATA", str(home))
    folder = home / "cases"
    folder.mkdir()
    several = wraps(PRESETS[name]) and name not in ("dual_expert", "global_local")
    given = rows(folder, 4 if several else 1)
    given.to_csv(folder / "cases.csv", index=False)
    images = [column for column in PHOTOS if column in given]
    run = mmx.run(small(PRESETS[name], folder / "cases.csv", images, tiny_plugin))
    kept = run.predictions.query("part == 'test'").set_index("sample")
    columns = [column for column in kept if str(column).startswith(ANSWERED)]
    kept = kept[columns].astype(float)
    asked = given[given["id"].isin(kept.index)].iloc[::-1].fillna("").drop(columns="finding")
    together = mmx.predict(run.path, asked, root=folder, plugins=[tiny_plugin]).set_index("id")
    np.testing.assert_allclose(together.loc[kept.index, columns].astype(float), kept, atol=1e-4)
    for case in asked["id"].iloc[:3]:
        alone = mmx.predict(
            run.path, asked[asked["id"] == case], root=folder, plugins=[tiny_plugin]
        )
        np.testing.assert_allclose(alone[columns].astype(float), kept.loc[[case]], atol=1e-4)
