"""A BERT of transformers as the tower of texts, such as that of BiomedCLIP."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmx.errors import MissingExtraError, WeightsError
from mmx_plugins.encoders._open_clip.folder import ClipFolder
from mmx_plugins.encoders._open_clip.trunk import TextTrunk, depths

# published folders name the model that the tower began as and lack its config.json; of these it is
# that of the first BERT, which is what the library takes where nothing is stated
_PLAIN_BERT = {
    "bert-base-uncased", "google-bert/bert-base-uncased",
    "microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract",
    "microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract-fulltext",
    "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract",
    "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext",
}  # fmt: skip
_POOLERS = ("cls_pooler", "cls_last_hidden_state_pooler", "mean_pooler")


def bert_tower(folder: ClipFolder) -> Any:
    """The tower with random weights.

    Raises:
        WeightsError: the configuration of its network is nowhere, or it is of a kind that is not
            read.
    """
    try:
        from open_clip.hf_model import HFTextEncoder  # an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("open_clip", "mmx[open-clip]") from error
    stated = folder.part("text_cfg")
    name = str(stated["hf_model_name"])
    config = _configuration(name, folder.path)
    pooler = stated.get("hf_pooler_type", "mean_pooler")
    if pooler not in _POOLERS or getattr(config, "is_encoder_decoder", False):
        raise WeightsError(
            f"{folder.path} holds texts of a {config.model_type} pooled by {pooler}, which this "
            f"method does not read; it reads encoders pooled by {', '.join(_POOLERS)}"
        )
    tower = HFTextEncoder(
        name, int(folder.model["embed_dim"]), config=config, pooler_type=pooler,
        proj_type=stated.get("hf_proj_type", "mlp"), pretrained=False,
    )  # fmt: skip
    if pooler != "cls_pooler":
        tower.transformer.pooler = None  # the library leaves it out, too
    return tower.float()


def assumed(folder: ClipFolder) -> tuple[str, ...]:
    """A sentence on a configuration that no file states, where there is one."""
    name = str(folder.part("text_cfg").get("hf_model_name", ""))
    if name not in _PLAIN_BERT or (folder.path / "config.json").is_file():
        return ()
    return (
        f"{folder.path}: no file says how the {name} inside is built; it is taken for a plain BERT "
        "(12 layers and heads, 768 wide). Copy its config.json into the folder to be sure",
    )


def _configuration(name: str, folder: Path) -> Any:
    """The configuration of the network: that of the folder, of the cache of the hub, or known."""
    from huggingface_hub import try_to_load_from_cache  # with transformers, seconds
    from transformers import AutoConfig, BertConfig  # seconds of import

    cached = try_to_load_from_cache(name, "config.json") if name.count("/") < 2 else None
    if (folder / "config.json").is_file():
        where = folder
    elif name in _PLAIN_BERT:
        return BertConfig()
    elif isinstance(cached, str):
        where = Path(cached).parent
    else:
        raise WeightsError(
            f"{folder}: the tower of texts is a {name}, whose config.json is neither in the folder "
            "nor in the cache of the hub; copy it from there into the folder"
        )
    return AutoConfig.from_pretrained(where, local_files_only=True, trust_remote_code=False)


class BertTexts(TextTrunk):
    """Ids and mask [B, N] -> tokens [B, N, D], pooled [B, D], levels before the last."""

    def __init__(self, text: Any, fractions: Sequence[float]) -> None:
        super().__init__()
        self.text = text
        self.depths = depths(fractions, int(text.config.num_hidden_layers))
        self.dim = int(text.config.hidden_size)
        self.level_dims = (self.dim,) * len(self.depths)
        self.vocabulary = int(text.vocab_size)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        """Masked places are not attended to."""
        attended = mask.clone()
        attended[:, 0] |= ~mask.any(dim=1)  # a row with nothing to attend to would give NaN
        found = self.text.transformer(
            input_ids=ids, attention_mask=attended.long(), output_hidden_states=True
        )
        pooled = self.text.pooler(found, attended.long())
        hidden = found.hidden_states
        return found.last_hidden_state, pooled, [hidden[depth] for depth in self.depths]

    def take_projection(self) -> nn.Module:
        """Take the projection off and give it."""
        projection: nn.Module = self.text.proj
        self.text.proj = nn.Identity()
        return projection

    def last_stage(self) -> Iterable[nn.Module]:
        """The last layer, with the pooler where there is one."""
        layers = int(self.text.config.num_hidden_layers)
        stacks = [m for m in self.text.transformer.modules() if isinstance(m, nn.ModuleList)]
        last = [stack[-1] for stack in stacks if len(stack) == layers][:1]
        pooler = getattr(self.text.transformer, "pooler", None)
        return [*last, *([pooler] if isinstance(pooler, nn.Module) else [])]
