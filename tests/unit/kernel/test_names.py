# ruff: noqa: RUF001 - letters that look alike are what this is about
"""Names on tickets, by ICAO Doc 9303 part 3, section 6; expectations are copied from its tables by hand."""

import string

import pytest

from shared.kernel.names import NoRule, printed

LATIN = (
    ("ÀÁÂÃĀĂĄ", "A"), ("Å", "AA"), ("Æ", "AE"), ("ÇĆĈĊČ", "C"), ("ÐĎĐ", "D"), ("ÈÉÊËĒĔĖĘĚ", "E"), ("ĜĞĠĢ", "G"),
    ("ĤĦ", "H"), ("ÌÍÎÏĨĪĬĮİı", "I"), ("Ĳ", "IJ"), ("Ĵ", "J"), ("Ķ", "K"), ("ĹĻĽĿŁ", "L"), ("ŃŅŇŊ", "N"),
    ("ÒÓÔÕŌŎŐ", "O"), ("Ø", "OE"), ("Œ", "OE"), ("ŔŖŘ", "R"), ("ŚŜŞŠ", "S"), ("ßẞ", "SS"), ("ŢŤŦ", "T"), ("Þ", "TH"),
    ("ÙÚÛŨŪŬŮŰŲ", "U"), ("Ŵ", "W"), ("ÝŶŸ", "Y"), ("ŹŻŽ", "Z"), ("ÄÖÜÑ", None),
)  # fmt: skip
"""`None`: Doc 9303 leaves a choice; see the test below."""


@pytest.mark.parametrize(("letters", "expected"), [pair for pair in LATIN if pair[1]])
def test_latin_letters_with_marks(letters: str, expected: str) -> None:
    for letter in letters:
        assert printed(letter) == expected
        assert printed(letter.lower()) == expected


@pytest.mark.parametrize(("name", "expected"), [("Müller", "MULLER"), ("Ñandú", "NANDU"), ("Größe", "GROSSE")])
def test_where_the_tables_leave_a_choice_nothing_is_added(name: str, expected: str) -> None:
    assert printed(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ana Lúcia", "ANA LUCIA"),
        ("D'Ávila-Souza", "DAVILA SOUZA"),
        ("O’Neill", "ONEILL"),
        ("Jr., José", "JR JOSE"),
        ("Anne--Marie  Ĳsbrand", "ANNE MARIE IJSBRAND"),
        ("Nguyễn Thị Đặng Ứng", "NGUYEN THI DANG UNG"),
        ("Åsa Ǻ", "AASA AA"),
        ("Jose\u0301", "JOSE"),
        ("ﬁona", "FIONA"),
        ("Щербаков", "SHCHERBAKOV"),
        ("Юрий Хрущёв", "IURII KHRUSHCHEV"),
        ("Игорь Объедков", "IGOR OBIEEDKOV"),
        ("Ђорђе Љубић", "DORDE LJUBIC"),
        ("Ґалаґан Їжак", "GALAGAN IZHAK"),
        ("محمد", "MXHMD"),
        ("محمّد", "MXHMMD"),
        ("فاطمة", "FAXTTMXAH"),
        ("پرویز", "PRWXYAZ"),
        ("گلزار", "XGGLZAR"),
    ],
)
def test_names_are_printed_whole(name: str, expected: str) -> None:
    assert printed(name) == expected


@pytest.mark.parametrize(
    ("name", "letter"), [("李 Wei", "李"), ("Ωmega", "Ω"), ("Ana ω", "ω"), ("דוד", "ד"), ("Ana2", "2"), ("A★", "★")]
)
def test_a_letter_without_a_rule_is_named_as_it_was_typed(name: str, letter: str) -> None:
    with pytest.raises(NoRule) as refusal:
        printed(name)
    assert refusal.value.letter == letter


@pytest.mark.parametrize("name", ["'", "- -", "ь", "\u0301"])
def test_a_name_of_which_nothing_is_printed_is_none(name: str) -> None:
    with pytest.raises(NoRule):
        printed(name)


def test_what_is_printed_is_printed_the_same_again() -> None:
    assert printed(printed("Ĳsbrand Ørsted")) == printed("Ĳsbrand Ørsted")
    assert printed(string.ascii_letters) == string.ascii_uppercase * 2


def test_every_letter_is_printed_in_capitals_or_refused() -> None:
    for code in (*range(0x20, 0x250), *range(0x370, 0x700), *range(0x1E00, 0x2000), *range(0xFB00, 0xFE00)):
        try:
            found = printed("a" + chr(code) + "a")
        except NoRule:
            continue
        assert set(found) <= set(string.ascii_uppercase + " "), chr(code)
