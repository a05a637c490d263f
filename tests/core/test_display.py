import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.display import NAME_LENGTH, exact, plain_name, plain_text, relative

NOW = datetime(2026, 11, 3, 14, 3, 7, tzinfo=UTC)

NAMES = {
    "an ordinary name stays as it is": ("Invoice helper", "Invoice helper", False),
    "markup is only text": ('<b>Bank</b> & "co"', '<b>Bank</b> & "co"', False),
    "accents are ordinary": ("Zoë's Übersicht", "Zoë's Übersicht", False),
    "a decomposed accent is composed": ("Zoe\u0308", "Zoë", False),
    "a Russian name is a name": ("Помощник по счетам", "Помощник по счетам", False),
    "a Greek name is a name": ("Βοηθός τιμολογίων", "Βοηθός τιμολογίων", False),
    "Japanese mixes its scripts and Latin": ("AIで請求書アシスタント", "AIで請求書アシスタント", False),
    "two languages in two words": ("Яндекс Mail", "Яндекс Mail", False),
    "Persian keeps its joiner": ("می\u200cخواهم", "می\u200cخواهم", False),
    "pictures are fine": ("☕\ufe0f Helper 👩\u200d💻", "☕ Helper 👩💻", False),
    "a trademark sign is fine": ("Acme™", "Acme™", False),
    "spaces are tidied": ("  Invoice \t\n  helper\u00a0", "Invoice helper", False),
    "reversed text is stripped and marked": ("Pay\u202elap", "Paylap", True),
    "isolates are stripped and marked": ("\u2066Acme\u2069", "Acme", True),
    "a zero-width space is stripped and marked": ("Pay\u200bPal", "PayPal", True),
    "a joiner inside Latin is stripped and marked": ("Pay\u200dPal", "PayPal", True),
    "tag characters are stripped and marked": ("Acme\U000e0041", "Acme", True),
    "a control character is stripped and marked": ("Ac\x00me\x1b", "Acme", True),
    "private use is stripped and marked": ("Acme\ue000", "Acme", True),
    "an invisible letter is stripped and marked": ("Acme\u3164", "Acme", True),
    "one Cyrillic letter among Latin is marked": ("P\u0430yPal", "P\u0430yPal", True),
    "a Greek letter among Latin is marked": ("G\u03bfogle", "G\u03bfogle", True),
    "a word made only of look-alikes is marked": ("\u0440\u0430\u0443", "\u0440\u0430\u0443", True),
    "bold copies of letters are marked": ("𝐏𝐚𝐲", "𝐏𝐚𝐲", True),
    "full-width copies of letters are marked": ("Ｐａｙ", "Ｐａｙ", True),
    "a pile of accents is cut and marked": ("a" + "\u0336" * 30, "a" + "\u0336" * 3, True),
    "no name at all is said": ("", "(no name)", True),
    "only invisible characters are no name": ("\u200b\u2060", "(no name)", True),
    "a long name is cut": ("x" * 300, "x" * 79 + "…", False),
}


@pytest.mark.parametrize(("text", "shown", "suspicious"), NAMES.values(), ids=NAMES)
def test_plain_name(text, shown, suspicious):
    assert plain_name(text) == (shown, suspicious)


@given(st.text())
def test_a_shown_name_is_short_visible_and_never_empty(text):
    shown, _ = plain_name(text)
    assert 0 < len(shown) <= NAME_LENGTH
    assert shown == shown.strip()
    assert not {unicodedata.category(char) for char in shown if char not in "\u200c\u200d"} & {"Cc", "Cf", "Co", "Cs"}


@given(st.text())
def test_showing_a_shown_name_changes_nothing(text):
    shown, _ = plain_name(text)
    again, _ = plain_name(shown)
    assert again == shown


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 .-'", min_size=1).filter(str.strip))
def test_plain_ascii_is_never_suspicious(text):
    assert plain_name(text)[1] is False


def test_a_purpose_may_be_empty_and_loses_its_controls():
    assert plain_text("") == ""
    assert plain_text("Books\u202e meetings\nfor you") == "Books meetings for you"
    assert len(plain_text("word " * 300)) <= 400


TIMES = {
    "now": (timedelta(0), "just now"),
    "seconds ago": (timedelta(seconds=-59), "just now"),
    "one minute ago": (timedelta(seconds=-60), "1 minute ago"),
    "minutes ago": (timedelta(minutes=-59, seconds=-59), "59 minutes ago"),
    "one hour ago": (timedelta(hours=-1), "1 hour ago"),
    "a day ago": (timedelta(days=-1), "1 day ago"),
    "thirty days ago": (timedelta(days=-30, hours=-23), "30 days ago"),
    "a date": (timedelta(days=-31), "3 Oct 2026"),
    "soon": (timedelta(seconds=59), "in less than a minute"),
    "in hours": (timedelta(hours=8), "in 8 hours"),
    "in thirty days": (timedelta(days=30), "in 30 days"),
    "a date to come": (timedelta(days=60), "2 Jan 2027"),
}


@pytest.mark.parametrize(("distance", "words"), TIMES.values(), ids=TIMES)
def test_relative(distance, words):
    assert relative(NOW + distance, NOW) == words


def test_exact_is_in_utc():
    assert exact(NOW.astimezone(timezone(timedelta(hours=5)))) == "2026-11-03 14:03:07 UTC"
