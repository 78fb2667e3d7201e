"""How much each modality carries of an answer, in a sentence."""

from collections.abc import Mapping

from mmx.evaluation import in_a_row


def share_words(shares: Mapping[str, tuple[float, float]]) -> str:
    """What each modality carries of an answer on average; empty where nothing is known.

    Args:
        shares: by modality, the mean share and its standard error, 0 where it is exact.
    """
    if not shares:
        return ""
    sampled = any(error for _, error in shares.values())
    told = [
        f"{name} {100 * mean:+.1f}" + (f" ± {100 * error:.1f}" if sampled else "")
        for name, (mean, error) in shares.items()
    ]
    how = "sampled, ± one standard error of the sampling" if sampled else "exact"
    return (
        "On average over these samples the modalities move the probability of the answer, beside "
        f"that of the class prior, by {in_a_row(told)} points (Shapley values, {how})."
    )
