import pytest

from remit.telemetry.metrics import Meter, Reading
from remit.telemetry.names import DECISION_REASONS
from remit_sdk.verify import Reason


def shown(meter, *, commits=0):
    return meter.exposition(Reading(audit_lag=3, key_ages={"access": 5.0}, commits=commits)).decode()


REPORTED = {
    "a permit needs no reason": (True, "", 'decision="permit",reason="allowed"'),
    "a denial says why": (False, "stopped", 'decision="deny",reason="stopped"'),
    "a denial that says nothing": (False, "", 'decision="deny",reason="other"'),
    "an API's own words make no series": (False, "user 4711 is bad", 'decision="deny",reason="other"'),
}


@pytest.mark.parametrize(("permitted", "reason", "labels"), REPORTED.values(), ids=REPORTED)
def test_decisions(permitted, reason, labels):
    meter = Meter()
    meter.decided(permitted=permitted, reason=reason)
    assert f"remit_decisions_total{{{labels}}} 1.0" in shown(meter)


def test_every_reason_of_our_own_guard_has_its_series():
    assert {reason.value for reason in Reason} | {"allowed"} == DECISION_REASONS


def test_commits_are_what_the_store_says_however_often_it_is_asked():
    meter = Meter()
    for commits in (2, 2, 5):
        assert f"remit_store_commits_total {float(commits)}" in shown(meter, commits=commits)
    text = shown(meter, commits=5)
    assert "remit_audit_lag_events 3.0" in text
    assert 'remit_signing_key_age_seconds{use="access"} 5.0' in text


def test_two_applications_in_one_process_count_apart():
    one, other = Meter(), Meter()
    one.issued("refresh_token")
    assert 'grant="refresh_token"' not in shown(other)
