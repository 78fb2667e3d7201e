"""Laws of all losses: finite where logits, batches and counts are extreme."""

from typing import cast

import pytest
import torch

import mmx
from mmx import LossParams, Outputs

VARIANTS: list[tuple[str, dict[str, object]]] = [
    ("cross_entropy", {"smoothing": 0.1, "weights": "inverse_frequency"}),
    ("focal", {"gamma": 0.5, "alpha": "inverse_frequency"}),
    ("focal", {"gamma": 2}),
    ("class_balanced", {}),
    ("ldam", {}),
    ("logit_adjusted", {}),
    ("logit_adjusted", {"mode": "post_hoc"}),
    ("symmetric_kl", {}),
    ("mp", {}),
    ("mp", {"detach": False}),
]


@pytest.mark.parametrize(("name", "settings"), VARIANTS)
@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("progress", [0.0, 1.0])
@pytest.mark.parametrize("counts", [[900, 20, 1], [10, 0, 0]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_value_and_gradient_are_finite_for_huge_logits_of_one_class(
    name: str,
    settings: dict[str, object],
    rows: int,
    progress: float,
    counts: list[int],
    dtype: torch.dtype,
) -> None:
    params = cast(LossParams, mmx.Plugins().find("loss", name).model_validate(settings))
    loss = params.build(torch.tensor(counts))
    signs = torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    logits = [
        (1e4 * signs[:rows].roll(shift, dims=1)).to(dtype).requires_grad_() for shift in range(3)
    ]
    given = Outputs(logits[0], {"image": logits[1], "text": logits[2]})
    for label in range(3):
        value = loss(given, torch.full((rows,), label), progress)
        grads = torch.autograd.grad(value.total, logits, allow_unused=True)
        assert value.total.isfinite()
        assert value.total.dtype == torch.float32
        assert all(grad.isfinite().all() for grad in grads if grad is not None)
        assert all(term.isfinite() for term in value.terms.values())
        assert not any(term.requires_grad for term in value.terms.values())
        assert loss.adjust(logits[0]).isfinite().all()
