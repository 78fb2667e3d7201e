"""fusion.mutan keeps the laws of its kind, and is the Tucker decomposition that it claims to be."""

import torch
from mmx import Params
from mmx.testing import check_law, parametrize_with_checks

from mmx_mutan.mutan import Mutan, MutanParams

CORE, RANK = 8, 3


@parametrize_with_checks([MutanParams, MutanParams(core=CORE, rank=1)])
def test_keeps_the_laws(method: type[Params] | Params, law: str) -> None:
    result = check_law(method, law)
    assert result.ok, result.detail


def core_of(module: Mutan) -> torch.Tensor:
    """T[i, j, k] = sum_r M_r[k, i] N_r[k, j], written out."""
    m = module.image_factors.weight.view(RANK, CORE, CORE)
    n = module.text_factors.weight.view(RANK, CORE, CORE)
    return torch.einsum("rki,rkj->ijk", m, n)


def test_equals_the_bilinear_form_of_its_core() -> None:
    torch.manual_seed(0)
    module = Mutan(6, 5, 4, core=CORE, rank=RANK)
    v, t = torch.randn(7, CORE), torch.randn(7, CORE)
    expected = torch.einsum("bi,bj,ijk->bk", v, t, core_of(module))
    torch.testing.assert_close(module.through_core(v, t), expected)


def test_each_slice_of_the_core_has_the_stated_rank() -> None:
    torch.manual_seed(0)
    slices = core_of(Mutan(6, 5, 4, core=CORE, rank=RANK)).permute(2, 0, 1)
    assert torch.linalg.matrix_rank(slices).tolist() == [RANK] * CORE
