"""A source that is silent against its rhythm, and all the silences that are none."""

from costwatch.anomalies.detectors import silence
from costwatch.anomalies.state import Settings
from tests.anomalies.memory import HOUR, TOP, MemoryBooks


def sender(silent=4, hours=range(24), calls=40, weeks=6, **more):
    books = MemoryBooks()
    books.regular(weeks=weeks, until=TOP - silent * HOUR, hours=hours, calls=calls, key="prod", **more)
    return books


def test_a_key_that_always_sends_and_stops_is_told_after_three_hours():
    assert not silence.look(sender(silent=2), TOP, Settings())
    (found,) = silence.look(sender(silent=3), TOP, Settings())
    assert found.subject == ("silence", "key", "prod")
    assert (found.kind, found.start) == ("ingest", TOP - 3 * HOUR)
    assert found.title == "API key prod has gone silent"
    assert "nothing since Wed 18 Nov 11:00, for 3 hours" in found.message
    assert "it made 120 calls on average" in found.message


def test_its_agents_are_not_told_beside_it():
    assert [f.dimension for f in silence.look(sender(agent="triage"), TOP, Settings())] == ["key"]


def test_an_agent_of_a_key_that_goes_on_is_told():
    books = sender(agent="triage")
    books.regular(weeks=6, calls=5, key="prod", agent="lookup")
    assert [f.subject[1:] for f in silence.look(books, TOP, Settings())] == [("agent", "triage")]


def test_a_night_that_is_always_quiet_is_no_silence():
    assert not silence.look(sender(hours=range(8, 11)), TOP, Settings())


def test_few_calls_prove_nothing():
    assert not silence.look(sender(calls=10), TOP, Settings())
    assert silence.look(sender(calls=10), TOP, Settings(sensitivity="high"))


def test_a_source_that_was_switched_off_days_ago_is_no_news():
    assert not silence.look(sender(silent=30), TOP, Settings())


def test_hours_in_which_nobody_was_there_to_receive_prove_nothing():
    books = sender(silent=6)
    books.watching_since = TOP - 2 * HOUR
    assert not silence.look(books, TOP, Settings())
    books.watching_since = TOP - 3 * HOUR
    (found,) = silence.look(books, TOP, Settings())
    assert found.start == TOP - 6 * HOUR


def test_a_rhythm_of_three_weeks_is_no_rhythm():
    assert not silence.look(sender(weeks=3), TOP, Settings())
