"""What a network of texts must keep, so that the answer about a text is about that text alone.

Kinds of models that the tests compare with the library are taken as they are. Any other one is
tried with two texts when it is built: its files say nothing of it, and the library reads some
models whose answer depends on how far a text is filled up (FNet, ConvBERT, Nystromformer, YOSO).
"""

from typing import Any, Literal

import torch
from torch import nn

from mmx.errors import WeightsError, said_by
from mmx.interfaces import TextEncoder
from mmx_plugins.encoders._transformers.tokenizer import end_of_text

TextPool = Literal["cls", "mean", "pooler"]
_COMPARED = frozenset({
    "bert", "roberta", "xlm-roberta", "distilbert", "electra", "t5", "bart", "clip_text_model",
    "siglip_text_model",
})  # fmt: skip
_TRIED = ("a", "a b c d e f g h i j k l")  # the first stands among padding beside the second
_APART = 1e-3  # of the largest number; rounding is far below


def check_pool(network: Any, tokenizer: Any, pool: TextPool) -> None:
    """Refuse a way to one vector that a network does not have.

    Raises:
        WeightsError: says which ways it has.
    """
    at_the_end = network.config.model_type == "clip_text_model"
    if pool == "cls":
        _check_class_token(
            network, tokenizer, "pooler (its last token) or mean" if at_the_end else "mean"
        )
    if pool == "pooler" and at_the_end:
        _check_end(network, tokenizer)
    elif pool == "pooler" and getattr(network, "pooler", None) is None:
        raise WeightsError(
            "this model has no pooler; use pool: mean, or cls if it has a class token"
        )


def _check_class_token(network: Any, tokenizer: Any, instead: str) -> None:
    """Refuse a first token that does not stand for its text."""
    written, own = tokenizer("a")["input_ids"], tokenizer.cls_token_id
    if own in written and written[0] != own:
        raise WeightsError(
            f"this model writes its class token behind the text; use pool: {instead}"
        )
    if _reads_forward(network):
        raise WeightsError(
            "each token of this model knows those before it only, so the first knows nothing; use "
            f"pool: {instead}"
        )


@torch.no_grad()
def _reads_forward(network: Any) -> bool:
    """Whether what a token becomes is the same whatever follows it, as in models that write."""
    ids, asked = torch.tensor([[0, 0], [0, 1]]), torch.ones(2, 2, dtype=torch.int64)
    with said_by("transformers", "the model cannot read two tokens"):
        found = network(input_ids=ids, attention_mask=asked, output_hidden_states=True)
    first, other = found.last_hidden_state[:, 0].float()
    return bool(torch.allclose(first, other, rtol=0, atol=1e-6))


def _check_end(network: Any, tokenizer: Any) -> None:
    """Refuse a tokenizer that does not write the token at which a model pools."""
    end = end_of_text(tokenizer, network.config)
    if tokenizer("a")["input_ids"][-1] != end:
        raise WeightsError(
            f"this model pools at the token {end}, which ends a text, but the tokenizer of the "
            "folder writes none; use pool: mean, or the tokenizer that belongs to the model"
        )


def check_vocabulary(network: Any, tokenizer: Any) -> None:
    """Refuse a tokenizer whose tokens have no vectors in the network.

    Raises:
        WeightsError: tells both numbers; or the network has no table of tokens.
    """
    try:
        table = network.get_input_embeddings()
    except (AttributeError, NotImplementedError):  # the library has it for most models alone
        table = None
    if not isinstance(table, nn.Embedding):
        raise WeightsError(
            f"a model of the kind {network.config.model_type!r} has no table of tokens that can be "
            "found, so it is not read"
        )
    if len(tokenizer) > table.num_embeddings:
        raise WeightsError(
            f"the tokenizer knows {len(tokenizer)} tokens, the model {table.num_embeddings}: they "
            "do not belong together"
        )


@torch.no_grad()
def check_alone(encoder: TextEncoder, kind: str) -> None:
    """Refuse a model whose answer about a text depends on the texts beside it.

    Args:
        encoder: of texts; it stays in the mode in which it is.
        kind: of model, as its configuration says.

    Raises:
        WeightsError: it does, or it cannot read two texts at all.
    """
    if kind in _COMPARED:
        return
    mode = encoder.training
    encoder.eval()
    with said_by("transformers", f"a model of the kind {kind!r} cannot read a text"):
        alone, beside = (encoder(encoder.tokenize(some)) for some in (_TRIED[:1], _TRIED))
    encoder.train(mode)
    count = alone.tokens.shape[1]
    apart = (beside.tokens[0, :count] - alone.tokens[0]).abs().max()
    if not bool(apart <= _APART * alone.tokens.abs().max()):
        raise WeightsError(
            f"what a model of the kind {kind!r} makes of a text depends on the texts beside it: it "
            "reads how far a text is filled up. Such an answer cannot be repeated, so the model is "
            "refused; use a BERT, a RoBERTa or another one of docs/models.md"
        )
