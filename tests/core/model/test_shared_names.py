"""What two modalities call the same keeps both, each under the name of its modality."""

from mmx.model import told_apart


def test_a_name_of_one_modality_stays_and_one_of_two_is_told_apart() -> None:
    given = {"derm": {"lesion": 1, "size": 2}, "text": {}, "clinic": {"lesion": 3}}
    assert told_apart(given) == {"derm_lesion": 1, "size": 2, "clinic_lesion": 3}
    assert told_apart({"image": {"lesion": 1}}) == {"lesion": 1}
