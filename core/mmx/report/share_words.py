"""How much each modality carries of an answer, in a sentence."""

from collections.abc import Mapping

from mmx.evaluation import in_a_row


def share_words(shares: Mapping[str, tuple[float, float]], unit: str | None = None) -> str:
    """What each modality carries of an answer on average; empty where nothing is known.

    Args:
        shares: by modality, the mean share and its standard error, 0 where it is exact.
        unit: of numbers that are answered; None: answers are probabilities, told in points.
    """
    if not shares:
        return ""
    sampled = any(error for _, error in shares.values())
    scale, form = (100, "+.1f") if unit is None else (1, "+.3g")
    told = [
        f"{name} {scale * mean:{form}}" + (f" ± {scale * error:{form[1:]}}" if sampled else "")
        for name, (mean, error) in shares.items()
    ]
    how = "sampled, ± one standard error of the sampling" if sampled else "exact"
    what = "probability of the answer, beside that of the class prior"
    if unit is not None:
        what = "answer, beside the one to a case of which nothing is seen"
    points = f" {'points' if unit is None else unit}".rstrip()
    return (
        f"On average over these samples the modalities move the {what}, by "
        f"{in_a_row(told)}{points} (Shapley values, {how})."
    )
