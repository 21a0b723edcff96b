# ruff: noqa: RUF001 - letters that look alike are what this is about
"""Names as travel documents and tickets print them: capitals A to Z.

Source: ICAO Doc 9303 part 3, eighth edition (2021), section 6, tables A (Latin), B (Cyrillic) and C (Arabic), compared
row by row with the transcriptions in `mrz` (crates.io, A and B), `mrz` and `interscript` (PyPI) and Appendix B's own
examples. Where the tables leave a choice the letter without additions is taken (Ä is A, Ñ is N): an AE can be typed, an
A could not. What depends on the language, which a name does not tell, is written as in the most names. A letter that
they leave unencoded has no rule here: a ticket would miss it.
"""

import unicodedata

_LATIN = {
    "Å": "AA", "Æ": "AE", "Ð": "D", "Ø": "OE", "Þ": "TH", "ẞ": "SS", "Đ": "D", "Ħ": "H", "ı": "I", "Ĳ": "IJ",
    "Ŀ": "L", "Ł": "L", "Ŋ": "N", "Œ": "OE", "Ŧ": "T",
}  # fmt: skip
"""Table A: Latin letters that are more than a letter A to Z with marks, which falls to its letter."""

_CYRILLIC = {
    "Ё": "E", "Ђ": "D", "Є": "IE", "Ѕ": "DZ", "І": "I", "Ї": "I", "Ј": "J", "Љ": "LJ", "Њ": "NJ",
    "Ќ": "K", "Ў": "U", "Џ": "DZ", "А": "A", "Б": "B", "В": "V", "Г": "G", "Д": "D", "Е": "E", "Ж": "ZH", "З": "Z",
    "И": "I", "Й": "I", "К": "K", "Л": "L", "М": "M", "Н": "N", "О": "O", "П": "P", "Р": "R", "С": "S", "Т": "T",
    "У": "U", "Ф": "F", "Х": "KH", "Ц": "TS", "Ч": "CH", "Ш": "SH", "Щ": "SHCH", "Ъ": "IE", "Ы": "Y",
    "Э": "E", "Ю": "IU", "Я": "IA", "Ѫ": "U", "Ѵ": "Y", "Ґ": "G", "Ғ": "G", "Һ": "C",
}  # fmt: skip
"""Table B, its column that names no language."""

_NOT_IN_THE_TABLES = {"Ə": "E", "Ѓ": "G", "Ћ": "C", "Ь": ""}
"""Letters that the tables forget, written as their nearest neighbors there are."""

_ARABIC = {
    0x0621: "XE", 0x0622: "XAA", 0x0623: "XAE", 0x0624: "U", 0x0625: "I", 0x0626: "XI", 0x0627: "A", 0x0628: "B",
    0x0629: "XTA", 0x062A: "T", 0x062B: "XTH", 0x062C: "J", 0x062D: "XH", 0x062E: "XKH", 0x062F: "D", 0x0630: "XDH",
    0x0631: "R", 0x0632: "Z", 0x0633: "S", 0x0634: "XSH", 0x0635: "XSS", 0x0636: "XDZ", 0x0637: "XTT", 0x0638: "XZZ",
    0x0639: "E", 0x063A: "G", 0x0641: "F", 0x0642: "Q", 0x0643: "K", 0x0644: "L", 0x0645: "M",
    0x0646: "N", 0x0647: "H", 0x0648: "W", 0x0649: "XAY", 0x064A: "Y", 0x0671: "XXA", 0x0679: "XXT", 0x067C: "XRT",
    0x067E: "P", 0x0681: "XKE", 0x0685: "XXH", 0x0686: "XC", 0x0688: "XXD", 0x0689: "XDR", 0x0691: "XXR",
    0x0693: "XRR", 0x0696: "XRX", 0x0698: "XJ", 0x069A: "XXS", 0x06A9: "XKK", 0x06AB: "XXK", 0x06AD: "XNG",
    0x06AF: "XGG", 0x06BA: "XNN", 0x06BC: "XXN", 0x06BE: "XDO", 0x06C0: "XYH", 0x06C1: "XXG", 0x06C2: "XGE",
    0x06C3: "XTG", 0x06CC: "XYA", 0x06CD: "XXY", 0x06D0: "Y", 0x06D2: "XYB", 0x06D3: "XBE",
}  # fmt: skip
"""Table C; its vowel signs, which no name needs, are marks and dropped as such."""
_TEH_MARBUTA, _TEH_MARBUTA_AT_THE_END = "\u0629", "XAH"
_SHADDA = "\u0651"
"""Doubles the letter before it."""

_RULES = _LATIN | _CYRILLIC | _NOT_IN_THE_TABLES | {chr(code): letters for code, letters in _ARABIC.items()}


class NoRule(ValueError):
    """Nobody says how `letter` is printed on a ticket; an empty one: nothing of the name is."""

    def __init__(self, letter: str) -> None:
        super().__init__(letter)
        self.letter = letter


def printed(name: str) -> str:
    """A name in capitals A to Z and single spaces. Raises NoRule for a letter that has none.

    Apostrophes and other punctuation are dropped, hyphens part words, as airlines have it.
    """
    plain = unicodedata.normalize("NFC", name)
    words = "".join(" " if unicodedata.category(letter) == "Pd" else letter for letter in plain).split()
    told = " ".join(filter(None, map(_printed_word, words)))
    if not told:
        raise NoRule("")
    return told


def _printed_word(word: str) -> str:
    heard = [letter for letter in word if letter == _SHADDA or not _is_silent(letter)]
    letters: list[str] = []
    for place, letter in enumerate(heard):
        if letter == _SHADDA:
            letters += letters[-1:]
        elif letter == _TEH_MARBUTA and place == len(heard) - 1:
            letters.append(_TEH_MARBUTA_AT_THE_END)
        else:
            capitals = unicodedata.normalize("NFKC", letter).upper()
            letters.append("".join(_printed_letter(capital, letter) for capital in capitals))
    return "".join(letters)


def _is_silent(letter: str) -> bool:
    """Punctuation, marks of their own (a vowel sign stands before a shadda in Unicode's order), formatting."""
    category = unicodedata.category(letter)
    return category[0] == "P" or category in {"Mn", "Lm", "Sk", "Cf"}


def _printed_letter(capital: str, typed: str) -> str:
    if "A" <= capital <= "Z":
        return capital
    if capital in _RULES:
        return _RULES[capital]
    if _is_silent(capital):
        return ""
    with_one_mark_less = unicodedata.normalize("NFC", unicodedata.normalize("NFD", capital)[:-1])
    if len(with_one_mark_less) != 1:
        raise NoRule(typed)
    return _printed_letter(with_one_mark_less, typed)
