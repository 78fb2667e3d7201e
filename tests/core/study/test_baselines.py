"""Controls without a network."""

import numpy as np

from mmx.study.baselines import text_probe


def test_the_probe_reads_what_a_text_tells_and_no_more() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(2, size=400)
    telling = [f"a man of 50 with a spot on the {('arm', 'leg')[one]}" for one in labels]
    silent = ["a man of 50 with a spot" for _ in labels]
    predicted = text_probe(telling[:300], labels[:300], telling[300:], balanced=False)
    assert (predicted == labels[300:]).all()
    guessed = text_probe(silent[:300], labels[:300], silent[300:], balanced=False)
    assert len(set(guessed.tolist())) == 1


def test_the_probe_follows_the_prior_that_it_is_trained_for() -> None:
    """Texts that tell nothing: with classes as they are the answer is the commonest one."""
    generator = np.random.default_rng(0)
    labels = (generator.random(600) < 0.15).astype(np.int64)
    texts = [f"a spot on the {generator.choice(['arm', 'leg', 'back'])}" for _ in labels]
    plain = text_probe(texts, labels, texts, balanced=False)
    balanced = text_probe(texts, labels, texts, balanced=True)
    assert (plain == 0).all()
    assert 0 < balanced.mean() < 1
