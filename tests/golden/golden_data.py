"""Small folders in the layout of the real data sets, drawn from a seed: nothing is downloaded."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

SITES = ("back", "face", "foot", "scalp", "unknown")
DISEASES = ("bcc", "mel", "nv")
FINDINGS = ("disc_normal", "disc_bulge", "vertebra_normal")
DISCS = ("L1-L2", "L2-L3", "L3-L4", "L4-L5")
VERTEBRAE = ("L1", "L2", "L3", "L4")


def write_ham10000(folder: Path) -> None:
    """60 photographs of 40 lesions: lesions of an even number have two."""
    draw, lines = np.random.default_rng(10), ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
    for lesion in range(40):
        kind, age, site = lesion % 3, draw.integers(3, 18) * 5, SITES[draw.integers(len(SITES))]
        for view in range(2 - lesion % 2):
            name = f"IMG_{lesion:03d}_{view}"
            _photograph(folder / "images" / f"{name}.jpg", kind, draw)
            sex = "male" if lesion % 5 < 2 else "female"
            lines.append(f"LES_{lesion:03d},{name},{DISEASES[kind]},histo,{age},{sex},{site}")
    _table(folder / "HAM10000_metadata.csv", lines)


def write_spine(folder: Path) -> None:
    """Crops of four levels of 16 studies, in the order of the spine."""
    draw, lines = np.random.default_rng(11), ["image_id,study_id,structure,level,label"]
    for study in range(16):
        for place in range(4):
            kind, name = (study + place) % 3, f"s{study:02d}_{place}"
            levels = VERTEBRAE if FINDINGS[kind].startswith("vertebra") else DISCS
            structure = FINDINGS[kind].partition("_")[0]
            _photograph(folder / "images" / f"{name}.jpg", kind, draw)
            lines.append(f"{name},study{study:02d},{structure},{levels[place]},{FINDINGS[kind]}")
    _table(folder / "metadata.csv", lines)


def write_cases(folder: Path) -> Path:
    """12 new cases for a run on synthetic data: photographs of 32 x 32, sentences, some absent."""
    draw, lines = np.random.default_rng(12), ["id,group,photo,text,finding"]
    words = ("It itches badly at night.", "It bleeds when touched.", "No complaint is reported.")
    for case in range(12):
        photo, kind = f"photos/{case}.png", case % 3
        _photograph(folder / photo, kind, draw)
        text = "" if case in (4, 9) else f"Woman of {30 + case} years. {words[kind]}"
        finding = ("lenoma", "vescaria", "rubelloma")[kind]
        lines.append(
            f"case-{case},group-{case // 2},{'' if case in (5, 9) else photo},{text},{finding}"
        )
    table = folder / "cases.csv"
    _table(table, lines)
    return table


def _photograph(path: Path, kind: int, draw: np.random.Generator) -> None:
    """Noise of 32 x 40 pixels whose middle leans to the colour of the kind; the border does not."""
    pixels = draw.integers(40, 190, (32, 40, 3))
    pixels[10:22, 12:28, kind] += 60
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path, quality=95)


def _table(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
