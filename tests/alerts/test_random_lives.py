"""Random lives of incidents against a model of a few lines, and what a receiver can rely on whatever happened."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from costwatch.alerts import channels, deliver, incidents, remind, stops
from costwatch.alerts.incidents import ACTIONS, NotPossible, Report
from costwatch.alerts.models import Delivery, Incident, Kind, Notice, Severity, Stop
from tests.alerts.conftest import later
from tests.alerts.sinks import answer, bodies, drop, reply

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
START = datetime(2026, 11, 18, 13, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEVELS = ["notice", "alarm", "critical"]
PENDING = {"open", "acknowledged", "snoozed"}
AFTER = {"ack": "acknowledged", "snooze": "snoozed", "resolve": "resolved", "expected": "expected"}
MAY = {"ack": {"open", "snoozed"}, "snooze": PENDING, "resolve": PENDING, "expected": PENDING | {"resolved"}}


def report(severity, at, crossings=()):
    return Report(Kind.LOOP, "k", Severity(severity), f"now {severity}", "It loops.", "triage", at, run_id="r",
                  stops=True, facts={"crossings": list(crossings)})  # fmt: skip


class Model:
    """What an incident is after some steps, as docs/alerts.md has it."""

    def __init__(self, severity):
        self.severity, self.state, self.until, self.lines = severity, "open", None, 1

    def report(self, severity):
        if LEVELS.index(severity) > LEVELS.index(self.severity):
            self.severity, self.lines = severity, self.lines + 1
            if self.state == "resolved":
                self.state = "open"

    def act(self, action, until):
        if self.state == AFTER[action] and action != "snooze":
            return False
        if self.state not in MAY[action]:
            return None
        self.state, self.until, self.lines = AFTER[action], until, self.lines + 1
        return True

    def settle(self):
        if self.state in PENDING:
            self.state, self.until, self.lines = "resolved", None, self.lines + 1

    def wake(self, now):
        if self.state == "snoozed" and self.until is not None and self.until <= now:
            self.state, self.until, self.lines = "open", None, self.lines + 1

    def again(self, severity):
        if self.state == "expected":
            return
        self.severity = max(self.severity, severity, key=LEVELS.index)
        self.state = self.state if self.state == "snoozed" else "open"
        self.lines += 1


@pytest.mark.parametrize("seed", range(8))
def test_an_incident_is_after_any_steps_what_the_model_says(workspace, seed):
    dice = random.Random(seed)
    first = dice.choice(LEVELS)
    number, model = incidents.open_or_update(workspace.pk, report(first, START), START), Model(first)
    for step in range(1, 60):
        now = START + step * MINUTE
        incident = Incident.objects.get(pk=number)
        what = dice.choice(["report", "settle", "wake", "again", *ACTIONS])
        severity = dice.choice(LEVELS)
        if what == "report":
            assert incidents.open_or_update(workspace.pk, report(severity, now), now) == number
            model.report(severity)
        elif what == "settle":
            assert incidents.settle(incident, now, "over") is (model.state in PENDING)
            model.settle()
        elif what == "wake":
            incidents.wake(now)
            model.wake(now)
        elif what == "again":
            told = incidents.tell_again(workspace.pk, "k", {}, "t", "m", Severity(severity), None, now, now)
            assert told is (model.state != "expected")
            model.again(severity)
        else:
            until = now + dice.randrange(1, 10) * MINUTE if what == "snooze" else None
            expected = model.act(what, until)
            if expected is None:
                with pytest.raises(NotPossible):
                    incidents.act(incident, what, "mara", now, until=until)
            else:
                assert incidents.act(incident, what, "mara", now, until=until) is expected
        incident.refresh_from_db()
        found = (incident.severity, incident.state, incident.timeline.count(), incident.is_pending)
        assert found == (model.severity, model.state, model.lines, model.state in PENDING), what
        assert (incident.snoozed_until is not None) is (model.state == "snoozed")
        standing = Stop.objects.filter(lifted_at=None, key=f"incident:{number}").exists()
        assert standing is (model.state in {"open", "acknowledged"}), what
    assert Incident.objects.count() == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_receiver_hears_each_thing_once_and_in_order_whatever_fails(workspace, webhook, seed):
    """Every crossing in one message, an end only of what was told, one id for each message however often it came."""
    dice = random.Random(seed)
    taken = []

    def behave(handler, number):
        failing = dice.random()
        if failing < 0.15:
            drop(handler, number)
        elif failing < 0.4:
            answer(dice.choice([500, 503, 429, 408]))(handler, number)
        else:
            taken.append(number)
            reply(handler, 200)

    _, sink = webhook(behave=behave)
    told: dict[str, list[int]] = defaultdict(list)
    for _ in range(60):
        now, key = datetime.now(UTC), f"k{dice.randrange(5)}"
        known = Incident.objects.filter(dedupe_key=key).first()
        what = dice.choice(["cross", "cross", "settle", "ack", "send", "send", "send"])
        if what == "cross":
            told[key].append(len(told[key]) + 1)
            facts = {"crossings": [{"threshold": t, "basis": "actual"} for t in told[key]]}
            values = (facts, "t", "m", Severity.ALARM, None, now, now)
            if not incidents.tell_again(workspace.pk, key, *values):
                start = Report(Kind.BUDGET, key, Severity.ALARM, "t", "m", "s", now, facts=facts)
                incidents.open_or_update(workspace.pk, start, now)
        elif what == "settle" and known:
            incidents.settle(known, now, "over")
        elif what == "ack" and known and known.state == "open":
            incidents.act(known, "ack", "mara", now)
        else:
            deliver.send_all()
            later(dice.choice([1, 3, 30, 400]))
    for _ in range(40):
        deliver.send_all()
        later(2_000)
    every = bodies(sink)
    arrived = [every[number - 1] for number in taken]
    assert len({body["id"] for body in arrived}) == len(arrived) == Delivery.objects.filter(state="sent").count()
    assert not Delivery.objects.exclude(state="sent").exists()
    assert not Notice.objects.filter(delivery=None, dropped=False).exists()
    same = {}
    for body in every:
        assert same.setdefault(body["id"], body) == body
    keys = dict(Incident.objects.values_list("pk", "dedupe_key"))
    heard: dict[str, list] = defaultdict(list)
    for body in arrived:
        for one in body["incidents"]:
            heard[keys[one["id"]]].append((body["type"], [c["threshold"] for c in one["facts"]["crossings"]]))
    for key, messages in heard.items():
        assert [t for _, crossings in messages for t in crossings] == told[key]
        assert messages[0][0] != "incident.resolved"
        assert all(not crossings for type, crossings in messages if type == "incident.resolved")
    assert set(heard) == {key for key in told if told[key]}


@pytest.mark.parametrize("seed", range(6))
def test_who_is_asked_to_stop_is_what_the_placed_and_lifted_ones_say(workspace, seed, monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 0.0)
    dice, known = random.Random(seed), {}
    ahead = datetime.now(UTC) + timedelta(days=1)
    for step in range(50):
        key = f"kill:{dice.randrange(6)}"
        if dice.random() < 0.3:
            assert stops.lift(workspace.pk, key, datetime.now(UTC)) is (key in known)
            known.pop(key, None)
        else:
            names = dice.sample(["agent", "user", "run", "tag.x"], dice.randrange(3))
            scope = {name: dice.sample(["a", "b", ""], dice.choice([1, 1, 2])) for name in names}
            stops.place(workspace.pk, scope, "kill", f"because {step}", key=key, until=dice.choice([None, ahead]))
            known[key] = (scope, f"because {step}")
        values = {name: dice.choice(["a", "b", "c"]) for name in ("agent", "user", "run") if dice.random() < 0.6}
        expected = sorted(
            said for scope, said in known.values()
            if all(values.get(name, "") in wanted for name, wanted in scope.items())
        )  # fmt: skip
        assert sorted(one.message for one in stops.asked(workspace.pk, values)) == expected
    assert Stop.objects.filter(lifted_at=None).count() == len(known)


@pytest.mark.parametrize("seed", range(4))
def test_reminders_and_escalations_go_on_until_somebody_is_at_it(webhook, opened, seed):
    """Each open incident once an interval to its channel, and once in all to the second."""
    dice = random.Random(seed)
    second, beyond = webhook("second", is_default=False)
    _, sink = webhook("first", renotify_minutes=10, escalate_to=second.pk, escalate_minutes=25)
    made = [opened(f"{n}") for n in range(3)]
    deliver.send_all()
    acknowledged_after = {one.pk: dice.choice([12, 21, 33]) for one in made}
    for minute in range(1, 41):
        later(60)
        remind.remind(datetime.now(UTC))
        deliver.send_all()
        for one in made:
            if acknowledged_after[one.pk] == minute:
                incidents.act(one, "ack", "mara", datetime.now(UTC))
    for one in made:
        count = sum(one.pk in [told["id"] for told in body["incidents"]] for body in bodies(sink))
        assert count == 1 + acknowledged_after[one.pk] // 10
        escalated = sum(one.pk in [told["id"] for told in body["incidents"]] for body in bodies(beyond))
        assert escalated == (1 if acknowledged_after[one.pk] > 25 else 0)
    assert channels.of(made[0].workspace).count() == 2
