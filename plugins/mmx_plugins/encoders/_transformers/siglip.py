"""The tower of texts of a SigLIP, which always reads all of its positions.

It was trained on texts that are filled up to the last position without a mask, and its last place
stands for the text, whatever stands there (Zhai et al. 2023, arXiv:2303.15343).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import pad

if TYPE_CHECKING:
    from transformers import SiglipTextConfig, SiglipTextModel

KIND = "siglip_text_model"
"""What transformers calls it in a configuration."""
_FILLER = 1  # which the library takes where a configuration is silent


@dataclass(frozen=True, slots=True)
class WholeTexts:
    """What the places of the texts became, those that fill up left out.

    Attributes:
        last_hidden_state: [B, N, D].
        hidden_states: of each layer, [B, N, D].
        pooler_output: [B, D], of the last position.
    """

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...]
    pooler_output: Tensor


def siglip_network(config: "SiglipTextConfig", **_: object) -> nn.Module:
    """The network with random weights, which the library builds by no common name."""
    from transformers import SiglipTextModel  # seconds of import

    return SiglipTextModel(config)


class SiglipTexts(nn.Module):
    """Ids and mask [B, N] -> as other networks of transformers; masked places are filled up.

    Attributes:
        pooler: the layer behind the last place.
        final_layer_norm: of the network.
    """

    def __init__(self, network: "SiglipTextModel", *, pooler: bool) -> None:
        super().__init__()
        self.config = network.config
        if not pooler:
            network.set_submodule("head", nn.Identity())  # it would take no part, so never learn
        self.network = network

    @property
    def pooler(self) -> nn.Module:
        return self.network.head

    @property
    def final_layer_norm(self) -> nn.Module:
        return self.network.final_layer_norm

    def get_input_embeddings(self) -> nn.Module:
        """The vectors of tokens."""
        return self.network.get_input_embeddings()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, output_hidden_states: bool
    ) -> WholeTexts:
        """Read all positions; N is at most their number."""
        filler, places = self.config.pad_token_id, self.config.max_position_embeddings
        filler = _FILLER if filler is None else filler
        given = input_ids.masked_fill(attention_mask == 0, filler)
        count = given.shape[1]
        whole = pad(given, (0, places - count), value=filler)
        found = self.network(input_ids=whole, output_hidden_states=output_hidden_states)
        return WholeTexts(
            found.last_hidden_state[:, :count],
            tuple(one[:, :count] for one in found.hidden_states),
            found.pooler_output,
        )
