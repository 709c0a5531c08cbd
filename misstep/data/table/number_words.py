"""One word read as a number, in the ways that spreadsheets, instruments and countries write them.

`read_number` knows one cell and which mark its decimals have; what a whole column is, and in which
unit, `number_forms.py` decides. Knows no columns and no tables.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

__all__ = [
    "CLOCK",
    "STOPWATCH",
    "NumberWord",
    "conversion",
    "counts_bytes",
    "decimal_mark_of",
    "is_time_unit",
    "read_number",
]

# Units of times written with colons: hours and minutes, or minutes and seconds. Both in hours.
CLOCK, STOPWATCH = "clock", "stopwatch"

# Characters that are written for others where fonts or keyboards differ: minus and dashes,
# apostrophes of Swiss thousands, Arabic decimal and thousands marks, the fraction slash.
LOOKALIKES = str.maketrans("−–—‒’‘ʼ`´٫⁄·", "----'''''./.", "٬")

# Signs and codes of currencies; codes by ISO 4217, those that stand in most files.
CURRENCIES = (
    r"(?:US|AU|NZ|CA|HK|SG|NT|MX|[RACS])?\$|[€£¥₹₽₩₺₴₦฿₫₪¢₱₡₲₸₼₾]|元|円|zł|Kč|kr\.?|Ft|Rs\.?|Fr\.|лв\.?|руб\.?"
    r"|(?:USD|EUR|GBP|JPY|CNY|RMB|CHF|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|INR"
    r"|PKR|BDT|LKR|IDR|MYR|SGD|HKD|TWD|KRW|THB|VND|PHP|BRL|MXN|ARS|CLP|COP|PEN|ZAR|NGN|KES|EGP"
    r"|ILS|SAR|AED|QAR|KWD|euros?|dollars?|pounds?)\b"
)
# Words for powers of ten. A small m is a meter, a capital M a million.
POWERS = {
    "k": 1e3, "K": 1e3, "tsd": 1e3, "Tsd": 1e3, "thousand": 1e3, "thousands": 1e3,
    "M": 1e6, "mn": 1e6, "Mn": 1e6, "mio": 1e6, "Mio": 1e6, "mln": 1e6, "MM": 1e6,
    "million": 1e6, "millions": 1e6, "Million": 1e6, "Millionen": 1e6,
    "B": 1e9, "bn": 1e9, "Bn": 1e9, "mrd": 1e9, "Mrd": 1e9, "mld": 1e9,
    "billion": 1e9, "billions": 1e9, "Billion": 1e9,
    "lakh": 1e5, "lakhs": 1e5, "Lakh": 1e5, "Lac": 1e5, "lac": 1e5,
    "crore": 1e7, "crores": 1e7, "Crore": 1e7, "Cr": 1e7,
    "T": 1e12, "trillion": 1e12,
}  # fmt: skip
# Units of one kind, by what each is in the first: international definitions. Capitals tell
# thousandths from millions where both are in use: mW and MW.
UNITS = (
    {"m": 1, "mm": 1e-3, "cm": 1e-2, "dm": 0.1, "km": 1e3, "in": 0.0254, "inch": 0.0254,
     "inches": 0.0254, '"': 0.0254, "ft": 0.3048, "feet": 0.3048, "foot": 0.3048, "'": 0.3048,
     "yd": 0.9144, "mi": 1609.344, "mile": 1609.344, "meter": 1, "metre": 1},
    {"kg": 1, "g": 1e-3, "mg": 1e-6, "µg": 1e-9, "t": 1e3, "lb": 0.45359237, "oz": 0.028349523125,
     "gram": 1e-3, "pound": 0.45359237, "kilogram": 1},
    {"s": 1, "ms": 1e-3, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hr": 3600,
     "hour": 3600, "std": 3600, "d": 86400, "day": 86400, "tag": 86400, "week": 604800,
     "wk": 604800, "month": 2629746, "mo": 2629746, "mth": 2629746, "year": 31556952,
     "yr": 31556952, "y": 31556952},
    {"byte": 1, "bytes": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2**10,
     "mib": 2**20, "gib": 2**30, "tib": 2**40},
    {"m2": 1, "sqm": 1, "qm": 1, "km2": 1e6, "cm2": 1e-4, "ha": 1e4, "acre": 4046.8564224,
     "ac": 4046.8564224, "sqft": 0.09290304, "sq ft": 0.09290304, "ft2": 0.09290304},
    {"l": 1, "ml": 1e-3, "cl": 1e-2, "dl": 0.1, "m3": 1e3, "liter": 1, "litre": 1},
    {"w": 1, "mW": 1e-3, "kw": 1e3, "mw": 1e6, "gw": 1e9, "hp": 745.699871582, "ps": 735.49875},
    {"wh": 1, "mWh": 1e-3, "kwh": 1e3, "mwh": 1e6, "gwh": 1e9},
    {"km/h": 1, "kmh": 1, "kph": 1, "mph": 1.609344, "m/s": 3.6, "kn": 1.852},
    {"hz": 1, "mHz": 1e-3, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    {"pa": 1, "mPa": 1e-3, "hpa": 100, "kpa": 1e3, "MPa": 1e6, "bar": 1e5, "mbar": 100,
     "psi": 6894.757293168},
)  # fmt: skip

_TIME_UNITS = next(units for units in UNITS if "min" in units)
_BYTE_UNITS = next(units for units in UNITS if "byte" in units)
_TIMES_AS_UNITS = {"hours": "h", "m": "min"}

_DIGITS = r"\d+|\d{1,3}(?:[,' ]\d{3})+|\d{1,2}(?:,\d{2})*,\d{3}|\d{1,3}(?:\.\d{3}){2,}"
_DIGITS_COMMA = r"\d+|\d{1,3}(?:[.' ]\d{3})+|\d{1,3}(?:,\d{3}){2,}"
_POWER_OF_TEN = r"(?:[eE][+-]?\d{1,3}|\s?[x×*]\s?10\^?[+-]?\d{1,2})?"


def _plain(digits: str, mark: str) -> str:
    return rf"(?:(?:{digits})(?:{mark}\d*)?|{mark}\d+){_POWER_OF_TEN}"


_PLAIN = {".": _plain(_DIGITS, r"\."), ",": _plain(_DIGITS_COMMA, ",")}
_BEFORE = (
    r"(?P<about>(?:~|≈|ca\.?|c\.|circa|about|approx\.?|around|est\.?)\s?)?"
    r"(?P<bound>(?:<=|>=|<|>|≤|≥|up to|under|over|more than|less than|at least|at most)\s?)?"
)
# What may stand behind a number: a unit of letters, degrees, slashes and raised digits.
_LETTERS = r"[^\W\d_](?:[^\W\d_]|[./°^*²³-]|[23](?!\d))*"
_UNIT = rf"{_LETTERS}(?:[ ]{_LETTERS}){{0,2}}|[°µΩ]\s?{_LETTERS}|[°µΩ\"'%‰]|/\s?{_LETTERS}"
_WHOLE = {
    mark: re.compile(
        rf"{_BEFORE}(?P<sign>[+-]\s?)?(?P<percent>%\s?)?(?P<money>(?:{CURRENCIES})\s?)?(?P<sign2>[+-]\s?)?"
        rf"(?P<number>{plain})"
        rf"(?P<minus>-)?(?P<more>\+)?\s?(?P<money2>{CURRENCIES})?(?P<unit>{_UNIT})?"
        rf"(?:\s?(?P<money3>{CURRENCIES}))?"
        r"(?P<more2>\+)?(?P<foot>\s?(?:\*+|†|‡|\[\w{1,3}\]|\([a-z]\)))?"
    )
    for mark, plain in _PLAIN.items()
}
_SPAN = {
    mark: re.compile(
        rf"(?P<low>{plain})\s?(?P<unit1>{_UNIT})?\s?(?:-|to|\.\.|…|bis|until)\s?(?P<high>{plain})"
        rf"\s?(?P<unit>{_UNIT})?"
    )
    for mark, plain in _PLAIN.items()
}
_FRACTION = re.compile(
    r"(?P<sign>-)?(?:(?P<whole>\d+)[ -])?(?P<top>\d+(?:\.\d+)?)\s?/\s?(?P<bottom>\d+)"
    r"\s?(?P<unit>[^\W\d].*|\"|')?"
)
# Denominators of halves, thirds and rulers; and of marks out of so many.
_BOTTOMS = {2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 32, 64, 100}
_ORDINAL = re.compile(r"(\d{1,6})\s?(st|nd|rd|th)")
_TIME = re.compile(
    r"(?P<sign>-)?(?:(?P<days>\d+)\s?(?:d|days?),?\s)?(?P<first>\d{1,4}):(?P<second>[0-5]\d)"
    r"(?::(?P<third>[0-5]\d)(?P<rest>[.,]\d+)?|(?P<part>[.,]\d+))?\s?(?P<half>[ap]\.?m\.?|Uhr|h)?",
    re.IGNORECASE,
)
_PARTS = re.compile(
    r"(?P<sign>-)?(?:PT?)?"
    r"(?:(?P<d>\d+)\s?(?:d|days?|D)[ ,T]*)?"
    r"(?:(?P<h>\d+(?:\.\d+)?)\s?(?:h|hrs?|hours?|H|Std\.?)[ ,]*)?"
    r"(?:(?P<m>\d+(?:\.\d+)?)\s?(?:m|mins?|minutes?|M|Min\.?)?[ ,]*)?"
    r"(?:(?P<s>\d+(?:\.\d+)?)\s?(?:s|secs?|seconds?|S))?"
)
_FEET = re.compile(r"(\d{1,2})\s?(?:'|ft\.?|feet)\s?(\d{1,2}(?:\.\d+)?)\s?(?:\"|''|in\.?|inches)?")
_ZEROS_IN_FRONT = re.compile(r"0\d")
# Around the digits may stand signs, money and a unit, but nothing that has marks itself.
_MARKED = re.compile(
    rf"[(+~<>≤≥≈=%-]*\s?(?:{CURRENCIES})?\s?-?((?:\d|[.,](?=\d))[\d.,' ]*)[^\d,.]{{0,12}}[23]?\.?"
)


@dataclass(frozen=True)
class NumberWord:
    """What a word says as a number.

    `value`: in its `unit`; empty where it has none (powers of ten and signs of money are no unit).
    `mark`: what beside digits, signs and decimals there was: "thousands", "money", "percent",
    "power", "unit", "bound", "about", "span", "fraction", "ordinal", "time", "brackets"; or empty.
    `letters`: of the unit or the power of ten as written. `money`: the sign or code of a currency.
    """

    value: float
    unit: str = ""
    mark: str = ""
    letters: str = ""
    money: str = ""


def read_number(word: str, decimal: str = ".") -> NumberWord | None:
    """Return the number that a word says, or None; `decimal`: its decimal mark, "." or ","."""
    text = _simplified(word)
    if not any(map(str.isdigit, text)) or len(text) > 60:
        return None
    inside = re.fullmatch(r"([^\d()]{0,4})\((.*\d.*)\)([^\d()]{0,4})", text)
    if inside is not None:
        read = _read(f"{inside[1].strip()}{inside[2]}{inside[3]}", decimal)
        if read is None or read.value < 0 or read.mark in ("span", "time", "ordinal"):
            return None
        return replace(read, value=-read.value, mark="brackets")
    return _read(text, decimal)


def decimal_mark_of(word: str) -> str:
    """Return which decimal mark a word surely has, "." or ","; empty where it is open or none.

    1,234 and 1.234 leave it open; 0.125, 12.5, 1234.567 and 1,234.5 do not.
    """
    match = _MARKED.fullmatch(_simplified(word))
    if match is None:
        return ""
    number = match[1].strip()
    last = max(number.rfind("."), number.rfind(","))
    if last < 0:
        return ""
    mark, before, after = number[last], number[:last], number[last + 1 :]
    other = "," if mark == "." else "."
    if mark in before:
        return (
            other if re.fullmatch(rf"\d{{1,3}}(?:\{mark}\d{{2,3}})*\{mark}\d{{3}}", number) else ""
        )
    grouped = other in before or "'" in before or " " in before
    if len(after) != 3 or grouped:
        return mark
    return mark if before.lstrip("0") == "" or len(before) > 3 or before[0] == "0" else ""


def conversion(unit: str, into: str) -> float | None:
    """Return by what a number in `unit` is multiplied to be in the unit `into`; None: they differ.

    >>> conversion("g", "kg")
    0.001
    """
    if unit == into:
        return 1.0
    if is_time_unit(unit) or is_time_unit(into):
        # Beside times, m is minutes; "hours" is what 1h 30m is read as.
        unit, into = (_TIMES_AS_UNITS.get(each, each) for each in (unit, into))
    known = [each for units in UNITS for each in (unit, into) if each in units]
    for units in UNITS:
        if unit in units and into in units:
            return units[unit] / units[into]
    return 1.0 if not known and unit.casefold() == into.casefold() else None


def is_time_unit(unit: str) -> bool:
    """Tell whether a unit is one of time, but for m, which is minutes or meters."""
    return unit == "hours" or unit in _TIME_UNITS


def counts_bytes(unit: str) -> bool:
    """Tell whether a unit is one of bytes: beside it, B, K and M are bytes as well."""
    return unit in _BYTE_UNITS


def _simplified(word: str) -> str:
    if word.isascii():
        return " ".join(word.split())
    halves = "".join(
        f" {unicodedata.normalize('NFKC', sign)}"
        if unicodedata.decomposition(sign).startswith("<fraction>")
        else str(unicodedata.decimal(sign))
        if sign.isdecimal()
        else sign
        for sign in word
    )
    text = unicodedata.normalize("NFKC", halves).translate(LOOKALIKES)
    return " ".join(text.replace("\u200b", "").replace("\u200e", "").replace("\u200f", "").split())


def _read(text: str, decimal: str) -> NumberWord | None:
    ordinal = _ordinal(text)
    if ordinal is not None:
        return ordinal
    match = _WHOLE[decimal].fullmatch(text)
    if match is not None:
        read = _from_match(match, decimal)
        if read is not None:
            return read
    for other in (_time, _fraction, _feet, _parts):
        read = other(text)
        if read is not None:
            return read
    return _span(text, decimal)


def _number(text: str, decimal: str) -> float:
    text = text.replace("'", "").replace(" ", "")
    if decimal == ",":
        # Two groups behind commas can't be decimals.
        text = text.replace(".", "")
        text = text.replace(",", "") if text.count(",") > 1 else text.replace(",", ".")
    else:
        text = text.replace(",", "")
        text = text.replace(".", "") if text.count(".") > 1 else text
    text = re.sub(r"[x×*]10\^?", "e", text)
    return float(text)


def _from_match(match: re.Match[str], decimal: str) -> NumberWord | None:
    found = match.groupdict()
    number = found["number"]
    value = _number(number, decimal)
    signs = [found[name] for name in ("sign", "sign2", "minus") if found[name]]
    if len(signs) > 1:
        return None
    if signs and "-" in signs[0]:
        value = -value
    unit, mark = (found["unit"] or "").strip(), ""
    money = found["money"] or found["money2"] or found["money3"]
    if found["percent"]:
        if unit or money:
            return None
        unit = "%"
    if unit:
        power, rest = _power(unit)
        if power is not None:
            value, unit, mark = value * power, rest, "power"
            if re.fullmatch(CURRENCIES, unit):
                unit, money = "", unit
    if re.fullmatch(CURRENCIES, unit or "-"):
        unit, money = "", unit
    unit = _known_unit(unit)
    if unit == "%":
        mark = "percent"
    elif unit:
        mark = "unit"
    elif money:
        mark = "money"
    if not mark and re.search(r"\d[,' ]\d{3}|\d\.\d{3}", number) and _grouped(number, decimal):
        mark = "thousands"
    if found["bound"] or found["more"] or found["more2"]:
        mark = "bound"
    elif found["about"] or found["foot"]:
        mark = mark or "about"
    return NumberWord(value, unit, mark, (found["unit"] or "").strip(), (money or "").strip())


def _grouped(number: str, decimal: str) -> bool:
    return any(sign in number for sign in ",' ." if sign != decimal) or number.count(decimal) > 1


def _power(unit: str) -> tuple[float | None, str]:
    first, _, rest = unit.partition(" ")
    known = POWERS.get(first.rstrip("."))
    if known is not None:
        return known, rest.strip()
    # 5k€ and 3M$: the sign follows at once.
    match = re.fullmatch(rf"(k|K|M|B)({CURRENCIES})", unit)
    return (POWERS[match[1]], match[2]) if match else (None, unit)


def _known_unit(unit: str) -> str:
    """Return a unit as tables of units have it: kilograms and Kg are kg; others as they stand."""
    if not unit:
        return ""
    plain = unit.replace("²", "2").replace("³", "3").replace("^", "").replace("μ", "µ").rstrip(".")
    for candidate in (plain, plain.lower(), plain.lower().removesuffix("s")):
        if any(candidate in units for units in UNITS):
            return candidate
    if plain.lower() in ("percent", "pct", "prozent"):
        return "%"
    return plain.removesuffix("s") if len(plain) > 3 and plain.isalpha() else plain


def _time(text: str) -> NumberWord | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    first, second = int(match["first"]), int(match["second"])
    half = (match["half"] or "").replace(".", "").lower()
    if half in ("am", "pm"):
        if not 1 <= first <= 12:
            return None
        first = first % 12 + 12 * (half == "pm")
    sign = -1.0 if match["sign"] else 1.0
    part = float((match["rest"] or match["part"] or "0").replace(",", "."))
    if match["third"] is None:
        hours, unit = first + (second + part) / 60, CLOCK
        if match["part"]:
            # 1:02.5 has parts of a second: these are minutes and seconds.
            return NumberWord(sign * hours / 60, STOPWATCH, "time")
    else:
        hours, unit = first + second / 60 + (int(match["third"]) + part) / 3600, ""
    return NumberWord(sign * (hours + 24 * int(match["days"] or 0)), unit or "hours", "time")


def _parts(text: str) -> NumberWord | None:
    """Read 1h 30m, 1h30, 2 days 3 hours and PT1H30M."""
    match = _PARTS.fullmatch(text)
    if match is None or sum(match[name] is not None for name in "dhms") < 2 - text.startswith("P"):
        return None
    value = sum(
        float(match[name] or 0) * size
        for name, size in zip("dhms", (24, 1, 1 / 60, 1 / 3600), strict=True)
    )
    return NumberWord(-value if match["sign"] else value, "hours", "time")


def _fraction(text: str) -> NumberWord | None:
    match = _FRACTION.fullmatch(text)
    if match is None or int(match["bottom"]) not in _BOTTOMS:
        return None
    value = int(match["whole"] or 0) + float(match["top"]) / int(match["bottom"])
    return NumberWord(
        -value if match["sign"] else value, _known_unit(match["unit"] or ""), "fraction"
    )


def _feet(text: str) -> NumberWord | None:
    match = _FEET.fullmatch(text)
    if match is None or float(match[2]) >= 12:
        return None
    return NumberWord(int(match[1]) + float(match[2]) / 12, "ft", "unit")


def _ordinal(text: str) -> NumberWord | None:
    match = _ORDINAL.fullmatch(text)
    return None if match is None else NumberWord(float(match[1]), "", "ordinal")


def _span(text: str, decimal: str) -> NumberWord | None:
    match = _SPAN[decimal].fullmatch(text)
    if match is None:
        return None
    if any(_ZEROS_IN_FRONT.match(match[end]) for end in ("low", "high")):
        # Codes, such as 00-950, have these.
        return None
    low, high = _number(match["low"], decimal), _number(match["high"], decimal)
    first, unit = _known_unit(match["unit1"] or ""), _known_unit(match["unit"] or "")
    if not low < high or (first and unit and first != unit):
        return None
    return NumberWord((low + high) / 2, unit or first, "span")
