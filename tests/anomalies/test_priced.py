"""Usage without a price, priced by somebody: its incident is over at the next look."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.alerts import incidents
from costwatch.alerts.models import Incident, State
from costwatch.ledger.fold import fold_all
from costwatch.ledger.reprice import reprice
from tests.anomalies.conftest import call
from tests.anomalies.memory import HOUR, NOW, TOP
from tests.ledger.test_reprice import price

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def unpriced(at=NOW, model="preview", count=4):
    """Calls in the minutes before."""
    bound = {"upper_bound": Decimal(9), "provider": "openai"}
    return [call(at - n * MINUTE, None, model=model, **bound) for n in range(1, count + 1)]


def of(model):
    return Incident.objects.filter(facts__detector="unpriced", subject=model).order_by("pk")


@pytest.fixture
def priced(workspace):
    """Gives a model a price, and its calls of a span too."""

    def price_and_reprice(model, start=TOP - DAY, end=TOP + DAY):
        reprice(workspace.lane, start, end, price(model, "3", "9"), models=[model], apply=True)
        fold_all()

    return price_and_reprice


def test_once_its_calls_are_priced_the_incident_is_resolved_at_the_next_look_and_says_so(
    workspace, send, look, priced
):  # fmt: skip
    send(*unpriced())
    look(NOW)
    assert incidents.open_count(workspace.pk) == 1
    priced("preview")
    look(NOW + MINUTE)
    incident = of("preview").get()
    assert incident.state == State.RESOLVED
    assert incident.timeline.last().text.startswith("Priced now")
    assert incidents.open_count(workspace.pk) == 0


def test_a_price_for_some_of_its_calls_leaves_the_incident_open(send, look, priced):
    send(*unpriced(), *unpriced(NOW - 5 * HOUR))
    look(NOW)
    priced("preview", end=TOP - HOUR)
    look(NOW + MINUTE)
    assert of("preview").get().state == State.OPEN


def test_a_price_for_one_model_ends_nothing_of_another(send, look, priced):
    send(*unpriced(), *unpriced(model="other"))
    look(NOW)
    priced("other")
    look(NOW + MINUTE)
    assert (of("preview").get().state, of("other").get().state) == (State.OPEN, State.RESOLVED)


def test_calls_too_few_to_be_told_of_keep_it_open_until_they_are_priced(send, look):
    send(*unpriced(TOP - 22 * HOUR, count=4), *unpriced(count=1))
    look(NOW)
    look(NOW + 3 * HOUR)
    assert of("preview").get().state == State.OPEN


def test_calls_without_a_price_in_the_same_hour_are_an_incident_of_their_own(send, look, priced):
    send(*unpriced())
    look(NOW)
    priced("preview")
    look(NOW + MINUTE)
    send(*unpriced(NOW + 10 * MINUTE))
    look(NOW + 11 * MINUTE)
    assert [incident.state for incident in of("preview")] == [State.RESOLVED, State.OPEN]
    look(NOW + 12 * MINUTE)
    assert of("preview").count() == 2
