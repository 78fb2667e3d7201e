"""A flipped bit of any kind of file of a run or a cache is noticed or without effect."""

import runpy
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "bit_flips.py"


def test_no_flipped_bit_of_any_kind_of_file_is_missed(home: Path) -> None:
    bench = runpy.run_path(str(BENCHMARK))
    missed: list[str] = []
    one = bench["Bench"](home)
    kinds = one.files()
    assert {"run/metrics.json", "run/model.safetensors", "cache/images/*.npy"} <= set(kinds)
    assert {"cache/features/*.bin", "cache/texts/*.json", "cache/audit/*.json"} <= set(kinds)
    found = bench["flips"](one, len(kinds), 1, missed.append)
    assert missed == []
    noticed = sum(count for (_, outcome), count in found.items() if outcome == "noticed")
    assert noticed >= len(kinds) - 4  # a file that nobody reads may be without effect
