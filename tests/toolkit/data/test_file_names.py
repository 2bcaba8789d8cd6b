"""Expressions and persons in the names of files."""

import pytest

from toolkit.data.file_names import expressions_of, persons_of, why_no_expressions


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("happy_001.png", "sad_2.png", "Happiness (3).JPG"), ("happy", "sad", "happy")),
        (("img_1_sad.jpg", "img_2_happy.jpg", "more/img_3_sad.jpg"), ("sad", "happy", "sad")),
        (("s01_anna_joy.png", "s02_ben_sad.png", "s03_anna_sad.png"), ("happy", "sad", "sad")),
        (("happy.1.jpg.5b2c.ingestion-6d7e-x.jpg", "sad.2.jpg.5b2d.ingestion-6d7f-y.jpg"), ("happy", "sad")),
        (("KA.AN1.39.tiff", "KA.FE1.45.tiff", "YM.NE2.50.tiff"), ("angry", "fear", "neutral")),
        (("KA_AN1_39_tiff.png", "KA_SU1_36_tiff.png"), ("angry", "surprise")),
        (("AF01ANS.JPG", "BM35AFFL.jpg", "AF01/AF01HAHR.JPG"), ("angry", "fear", "happy")),
        (("AF01ANS_JPG.png", "AF01DIS_JPG.png", "FSAS.JPG"), ("angry", "disgust", "sad")),
        (("1001_IEO_ANG_HI_0.png", "1001_IEO_NEU_XX.flv-001.png"), ("angry", "neutral")),
        (
            ("F0001_AN01WH_F2D.bmp", "M0044_SU04AE_F2D.bmp", "F0001_NE00WH_F2D.bmp"),
            ("angry", "surprise", "neutral"),
        ),
        (("01F_AN_C.BMP", "43M_SP_O.BMP", "01F_CA_C.BMP"), ("angry", "surprise", "")),
        (("004_o_m_a_a.jpg", "004_o_m_s_b.jpg", "066_y_f_n_a.jpg"), ("angry", "sad", "neutral")),
        (
            (
                "Rafd090_01_Caucasian_female_angry_frontal.jpg",
                "Rafd090_02_Caucasian_female_contemptuous_frontal.jpg",
            ),
            ("angry", "contempt"),
        ),
    ],
)
def test_names_tell_expressions(names, expected):
    assert expressions_of(names).expressions == expected


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (
            ("happy birthday.jpg", "beach.jpg"),
            "happy birthday.jpg tells an expression by its name, beach.jpg none",
        ),
        (("happy_birthday.jpg", "surprise_party.jpg"), "by no one rule"),
        (("happy_1.jpg", "happy_2.jpg"), "one expression alone"),
        (("a_happy_1.png", "happy_a_b.png", "sad_a.png"), "by no one rule"),
        (("sad_angry.png", "happy_1.png", "sad_1.png"), "sad_angry.png none"),
        (("happy_1.png", "sad_1.png", "the_happy_day.png"), "by no one rule"),
        (("happy_1.png", "sad_1.png", "not_happy_1.png"), "not_happy_1.png none"),
        (("AF01ANS.JPG", "AF01HAS.JPG", "beach.jpg"), ""),
        (("S005_001_00000011.png", "S010_002_00000014.png"), ""),
        (("03-01-05-01-01-01-12.png", "03-01-03-01-01-01-12.png"), ""),
        ((), ""),
    ],
)
def test_names_that_follow_no_one_rule_tell_nothing(names, why):
    assert expressions_of(names) is None
    assert why in why_no_expressions(names)
    assert bool(why) == bool(why_no_expressions(names))


def test_one_in_a_hundred_names_of_a_published_data_set_may_be_wrong():
    names = [f"AF{person:02}{code}S.JPG" for person in range(1, 36) for code in ("AN", "HA", "NE")]
    named = expressions_of([*names, "AF31V.JPG"])
    assert named.rule == "AF01ANS.JPG is angry, as in KDEF"
    assert named.expressions.count("") == 1
    assert expressions_of([*names, "AF31V.JPG", "AM31H.JPG"]) is None
    assert expressions_of([*(f"happy_{n}.png" for n in range(100)), "sad_1.png", "beach.png"]) is None


def test_names_tell_persons():
    assert list(persons_of(["AF01ANS.JPG", "BF01HAS.JPG", "AM01ANS.JPG"])) == ["F01", "F01", "M01"]
    assert list(persons_of(["train/happy/S005_001_00000011.png", "S010_002_00000014_png.png"])) == [
        "S005",
        "S010",
    ]
    assert list(persons_of(["S005_001_00000011_png.rf.0f3a.jpg", "S010_002_00000014_png.rf.9c21.jpg"])) == [
        "S005",
        "S010",
    ]
    assert list(persons_of(["1001_IEO_ANG_HI_0.png", "1091_DFA_SAD_XX_12.png"])) == ["1001", "1091"]
    assert list(persons_of(["Rafd090_07_Caucasian_male_sad_left.jpg"])) == ["07"]
    assert persons_of(["happy_1.png", "happy_2.png"]) is None
    assert persons_of(["row 1", "S005_001_00000011.png"]) is None
