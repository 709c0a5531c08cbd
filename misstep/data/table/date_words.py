"""The words that stand in dates: names of months and days in some languages, marks of zones.

Knows words only; `dates.py` reads dates with them.
"""

from __future__ import annotations

import unicodedata

__all__ = ["DAY_NAMES", "ZONE_HOURS", "month_of", "plain"]

# Full names and what spreadsheets and statistical offices shorten them to, without accents:
# English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish and Danish.
_MONTHS = (
    "jan january januar janner jaenner janvier janv enero ene gennaio gen janeiro januari",
    "feb february februar fevrier fevr fev febrero febbraio fevereiro februari",
    "mar march marz maerz mrz mars marzo marco maart mrt",
    "apr april avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei maj",
    "jun june juni juin junio giugno giu junho",
    "jul july juli juillet juil julio luglio lug julho",
    "aug august aout agosto ago augustus augusti",
    "sep sept september septembre septiembre settembre sett set setembro",
    "oct october oktober okt octobre octubre ottobre ott outubro out",
    "nov november novembre noviembre novembro",
    "dec december dezember dez decembre diciembre dic dicembre dezembro des",
)
_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}

# What stands before a date and adds nothing to it, without accents.
_DAYS = """
    mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun
    sunday mo montag di dienstag mi mittwoch do donnerstag fr freitag sa samstag sonnabend so
    sonntag lun lundi mardi mer mercredi jeu jeudi ven vendredi sam samedi dim dimanche lunes
    martes mie miercoles jue jueves vie viernes sab sabado dom domingo lunedi martedi mercoledi
    giovedi gio venerdi sabato domenica segunda terca quarta quinta sexta maandag ma dinsdag
    woensdag wo donderdag vrijdag vr zaterdag za zondag zo
"""
DAY_NAMES = frozenset(_DAYS.split())

# Hours east of Greenwich. Marks that mean different zones in different countries (IST, AST) are
# left out, but for those that data from North America are full of.
_ZONES = {
    -8: "PST",
    -7: "MST PDT",
    -6: "CST MDT",
    -5: "EST CDT",
    -4: "EDT",
    0: "Z UTC GMT WET",
    1: "WEST BST CET MEZ",
    2: "CEST MESZ EET",
    3: "EEST MSK",
    9: "JST KST",
    10: "AEST",
    11: "AEDT",
}
ZONE_HOURS = {name: hours for hours, names in _ZONES.items() for name in names.split()}


def plain(word: str) -> str:
    """Return a word in small letters without accents or points."""
    if not word.isascii():
        word = unicodedata.normalize("NFKD", word)
        word = "".join(sign for sign in word if not unicodedata.combining(sign))
    return word.lower().strip(" .")


def month_of(word: str) -> int | None:
    """Return the number of a month, 1 to 12, by its name; None for other words."""
    return _NUMBERS.get(plain(word))
