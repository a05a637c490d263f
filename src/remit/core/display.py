"""What a stranger's words look like on our pages: names without tricks, times without arithmetic.

A client chooses its own name, and a consent page is where a false one pays. Nothing here makes a name safe for HTML
(the templates escape); this makes it safe to *read*: nothing invisible, nothing reversed, and a mark on look-alikes.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

NAME_LENGTH = 80
TEXT_LENGTH = 400
NAMELESS = "(no name)"

_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories that print nothing, turn the text around (UAX #9 controls are Cf), or mean nothing yet."""

_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks by category that show as nothing (Hangul fillers, the empty Braille cell ...)."""

_JOINERS = frozenset("\u200c\u200d")
_CURSIVE = frozenset(
    {"ARABIC", "BENGALI", "DEVANAGARI", "GUJARATI", "GURMUKHI", "KANNADA", "KHMER", "MALAYALAM", "ORIYA"}
    | {"SINHALA", "SYRIAC", "TAMIL", "TELUGU"}
)
"""Scripts in which a joiner changes how a word is written, so it stays (RFC 5892 appendix A.1 and A.2)."""

_TOGETHER = frozenset({"BOPOMOFO", "CJK", "HANGUL", "HIRAGANA", "KATAKANA"})
"""Scripts that real names do mix with each other and with Latin."""

_LOOK_ALIKES = frozenset("авсԁеһіјӏорԛѕԝхуАВСЕНІЈКМОРЅТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧονικρυχ")
"""Cyrillic and Greek letters that pass for Latin ones, the well-known ones of UTS #39."""

_MARKS_IN_A_ROW = 3


def plain_name(text: str, *, limit: int = NAME_LENGTH) -> tuple[str, bool]:
    """Return what to show for a name somebody else chose, and whether it tries to look like something it is not."""
    kept, stripped = _visible(unicodedata.normalize("NFC", text))
    shown = " ".join(kept.split())
    if not shown:
        return NAMELESS, True
    suspicious = stripped or _imitates(shown)
    return _cut(shown, limit), suspicious


def plain_text(text: str, *, limit: int = TEXT_LENGTH) -> str:
    """Return a longer text (a purpose, a reason) as one readable line; empty stays empty."""
    kept, _ = _visible(unicodedata.normalize("NFC", text))
    return _cut(" ".join(kept.split()), limit)


def relative(at: datetime, now: datetime) -> str:
    """Say how far away a moment is, in the words the pages use; beyond 30 days, say the date."""
    ahead = at > now
    seconds = int(abs(at - now) / timedelta(seconds=1))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            if unit == "day" and count > 30:
                break
            words = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {words}" if ahead else f"{words} ago"
    else:
        return "in less than a minute" if ahead else "just now"
    moment = at.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y}"


def sentence(hint: str) -> str:
    """Return what a refusal hints at as people read it: a sentence."""
    return f"{hint[:1].upper()}{hint[1:]}."


def exact(at: datetime) -> str:
    """Return a moment to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _visible(text: str) -> tuple[str, bool]:
    """Drop what cannot be seen. The flag says that something was hidden on purpose, not merely untidy."""
    kept: list[str] = []
    stripped = False
    marks = 0
    for index, char in enumerate(text):
        category = unicodedata.category(char)
        mark = category in {"Mn", "Me"}
        if char.isspace() and category != "Cf":
            kept.append(" ")
            marks = 0
        elif char in _JOINERS:
            before, after = text[index - 1 : index], text[index + 1 : index + 2]
            if before and after and _script(before) in _CURSIVE and _script(after) in _CURSIVE:
                kept.append(char)
            else:
                # Between pictures a joiner only builds another picture.
                stripped = stripped or not (before and unicodedata.category(before) in {"So", "Sk", "Mn"})
        elif 0xFE00 <= ord(char) <= 0xFE0F:
            continue  # chooses between two drawings of the character before it
        elif category in _INVISIBLE or char in _BLANKS or (mark and marks == _MARKS_IN_A_ROW):
            stripped = True
        else:
            kept.append(char)
            marks = marks + 1 if mark else 0
    # What was apart may now be side by side, so compose once more.
    return unicodedata.normalize("NFC", "".join(kept)), stripped


def _imitates(text: str) -> bool:
    """Say whether a name uses letters of one script to pass for another (UTS #39 §4 and §5.1, the useful part)."""
    for word in text.split():
        letters = [char for char in word if char.isalpha()]
        scripts = {_script(char) for char in letters} - _TOGETHER
        if len(scripts) > 1:
            return True
        if letters and all(char in _LOOK_ALIKES for char in letters):
            return True
        # Styled alphabets: bold, circled, full-width copies of ordinary letters.
        if any(unicodedata.decomposition(char).startswith("<") for char in letters):
            return True
    return False


def _script(char: str) -> str:
    """Return the script a letter belongs to, which Unicode names begin with."""
    return unicodedata.name(char, "UNNAMED").split(" ", 1)[0].split("-", 1)[0]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip(" \u200c\u200d") + "…"
