"""`mmx plugins check`: a certificate, and an exit status that scripts can read."""

import json
from pathlib import Path

from typer.testing import CliRunner

import mmx
from mmx import commands
from mmx.testing import laws
from mmx_cli.main import app

BROKEN = '''"""A loss whose terms keep their graph."""

from typing import Literal

from torch.nn import functional as F

from mmx import Loss, LossParams, LossValue, hookimpl


class HeavyTermsParams(LossParams):
    """Settings of a loss that breaks one law."""

    type: Literal["heavy_terms"] = "heavy_terms"

    def build(self, class_counts):
        return HeavyTerms()


class HeavyTerms(Loss):
    """Cross-entropy."""

    def forward(self, outputs, target, progress):
        total = F.cross_entropy(outputs.logits, target)
        return LossValue(total, {"total": total})


@hookimpl
def mmx_components():
    return [HeavyTermsParams]
'''


def test_prints_who_made_a_method_and_which_laws_it_keeps() -> None:
    result = CliRunner().invoke(app, ["plugins", "check", "loss.focal"])
    assert result.exit_code == 0, result.output
    assert mmx.Plugins().source("loss", "focal").digest in result.output
    assert "extremes" in result.output
    known = len(laws("loss"))
    assert f"{known} of {known} checks passed" in result.output


def test_a_method_that_needs_settings_is_tried_with_them(tmp_path: Path) -> None:
    asked = ["plugins", "check", "dataset.table"]
    bare = CliRunner().invoke(app, asked)
    assert bare.exit_code == 3
    assert "not run" in bare.output
    assert "3 of 10 checks passed; 7 were not run" in bare.output
    cases = "photo,dx,who\n" + "".join(f"{n}.png,{'ab'[n % 2]},p{n}\n" for n in range(6))
    (tmp_path / "cases.csv").write_text(cases, encoding="utf-8")
    settings = [f"path={tmp_path / 'cases.csv'}", "images=[photo]", "label=dx", "group=who"]
    given = [word for one in settings for word in ("--set", one)]
    whole = CliRunner().invoke(app, [*asked, *given])
    assert whole.exit_code == 0, whole.output
    assert "10 of 10 checks passed" in whole.output
    refused = CliRunner().invoke(app, [*asked, "--set", "path=x.csv", "--set", "colour=red"])
    assert refused.exit_code == 2
    assert "dataset.table refuses its settings" in refused.output


def test_the_certificate_as_json_is_the_one_of_check_plugin() -> None:
    result = CliRunner().invoke(app, ["plugins", "check", "focal", "--json"])
    told = json.loads(result.output)
    certificate = commands.check_plugin("focal")
    assert told["ok"] is True
    assert told["digest"] == certificate.digest
    assert [one["name"] for one in told["checks"]] == [one.name for one in certificate.checks]


def test_a_broken_law_is_named_and_gives_status_one(tmp_path: Path) -> None:
    file = tmp_path / "heavy_terms.py"
    file.write_text(BROKEN, encoding="utf-8")
    words = ["plugins", "check", "loss.heavy_terms", "--plugin", str(file), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    told = json.loads(result.output)
    failed = [one["name"] for one in told["checks"] if not one["ok"]]
    assert (told["package"], failed) == ("local", ["scalar"])


def test_an_unknown_method_gives_status_two_and_the_nearest_name() -> None:
    result = CliRunner().invoke(app, ["plugins", "check", "focla"])
    assert result.exit_code == 2
    assert "focal" in result.output
