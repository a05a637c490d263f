import pytest

from remit.wire.trace import parse_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"

SENT = {
    "a good one": (f"00-{TRACE}-{PARENT}-01", TRACE),
    "a later version with more": (f"cc-{TRACE}-{PARENT}-01-what-comes", TRACE),
    "this version with more": (f"00-{TRACE}-{PARENT}-01-more", None),
    "the version that is forbidden": (f"ff-{TRACE}-{PARENT}-01", None),
    "no trace": (f"00-{'0' * 32}-{PARENT}-01", None),
    "no parent": (f"00-{TRACE}-{'0' * 16}-01", None),
    "capitals": (f"00-{TRACE.upper()}-{PARENT}-01", None),
    "too short": (f"00-{TRACE[1:]}-{PARENT}-01", None),
    "a line break after it": (f"00-{TRACE}-{PARENT}-01\n", None),
    "words": ("tell me", None),
    "nothing": ("", None),
}


@pytest.mark.requirement("GEN-22")
@pytest.mark.parametrize(("sent", "trace"), SENT.values(), ids=SENT)
def test_traceparent(sent, trace):
    assert parse_traceparent(sent) == trace
