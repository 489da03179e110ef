"""How many requests a token may send: counted as a list of all of them would be counted."""

import datetime as dt
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from qaflow.api import limiting
from qaflow.api.limiting import Counter

NOON = dt.datetime(2026, 9, 7, 12, tzinfo=dt.UTC)
MINUTE = 60_000  # milliseconds
steps = st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 3)), max_size=60)


@given(steps, st.integers(1, 5))
def test_a_token_sends_as_often_as_a_list_of_its_requests_allows(steps: list[tuple[int, int]], most: int) -> None:
    counter, sent, now = Counter(), dict[int, list[int]](), 0
    for apart, token in steps:
        now += apart
        within = [moment for moment in sent.get(token, []) if now - moment < MINUTE]
        wait = 0 if len(within) < most else ceil((within[0] + MINUTE - now) / 1000)

        assert counter.wait(token, most, NOON + dt.timedelta(milliseconds=now)) == wait

        sent[token] = within if wait else [*within, now]


def test_tokens_that_sent_nothing_for_a_minute_are_forgotten() -> None:
    counter = Counter()
    for token in range(limiting.KEPT + 1):
        counter.wait(token, 1, NOON)
    counter.wait(limiting.KEPT + 1, 1, NOON + dt.timedelta(seconds=59))
    assert counter.wait(5, 1, NOON + dt.timedelta(seconds=59)) == 1

    counter.wait(limiting.KEPT + 2, 1, NOON + dt.timedelta(seconds=61))

    assert len(counter) == 2
