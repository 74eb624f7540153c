"""Setting and removing limits: whose they are, what a number may be, and that each is there once."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import AuditEntry, Member, Workspace
from costwatch.ledger.record import record
from costwatch.limits import manage
from costwatch.limits.manage import BadLimit
from costwatch.limits.models import ProviderLimit
from costwatch.limits.pressure import MEASURES, pressed
from costwatch.spend.minutes import minutes
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
def workspace(db):
    return Workspace.objects.create(name="Larkfield")


@pytest.fixture
def member(workspace):
    return Member.objects.create(workspace=workspace, email="ada@larkfield.example", password="!")


@pytest.fixture
def put(workspace, member):
    def set_limit(**data):
        return manage.put(workspace, {"provider": "openai", "requests": "10", **data}, member)

    return set_limit


def test_a_limit_is_stored_as_it_was_typed_and_the_log_has_who_set_it(put, member, workspace):
    create_key(workspace, "web", ["ingest"])
    limit = put(provider=" OpenAI ", model=" gpt  5 ", key="web", requests="1,000", tokens="2_000_000",
                input_tokens=" 7 ", output_tokens="", cached_counts="on")  # fmt: skip
    limit.refresh_from_db()
    assert (limit.provider, limit.model, limit.key) == ("openai", "gpt 5", "web")
    assert [getattr(limit, measure) for measure in MEASURES] == [1_000, 2_000_000, 7, None]
    assert limit.cached_counts and str(limit) == "openai · gpt 5 · web"
    entry = AuditEntry.objects.get(action="limit.set")
    assert (entry.actor, entry.facts["requests"], entry.facts["output_tokens"]) == (str(member), 1_000, None)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("text", ["1", "2147483647", "2,147,483,647", 12, "0012"])
def test_any_count_from_one_to_the_most_can_be_a_limit(put, measure, text):
    limit = put(requests=None, **{measure: text}) if measure != "requests" else put(requests=text)
    assert getattr(limit, measure) == int(str(text).replace(",", ""))


@pytest.mark.parametrize("measure", ["requests", "output_tokens"])
@pytest.mark.parametrize(
    "text", ["0", "-1", "1.5", "1e6", "2147483648", "9" * 40, "ten", "²", "\u0661", "1 000 x", "∞"]
)
def test_what_is_no_such_count_is_refused_with_its_field_and_changes_nothing(put, measure, text):
    put(model="kept")
    with pytest.raises(BadLimit) as refusal:
        put(model="kept", **{measure: text})
    assert (refusal.value.field, refusal.value.message) == (
        measure, "A whole number from 1 to 2,147,483,647, or nothing."
    )  # fmt: skip
    assert ProviderLimit.objects.get().requests == 10


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"provider": "  "}, "provider", "Say whose limit it is, e.g. openai."),
        ({"provider": "p" * 201}, "provider", "At most 200 characters."),
        ({"model": "m" * 201}, "model", "At most 200 characters."),
        ({"requests": ""}, "requests", "Give at least one limit: requests or tokens a minute."),
        (
            {"requests": None, "cached_counts": True},
            "requests",
            "Give at least one limit: requests or tokens a minute.",
        ),
        ({"key": "nobody"}, "key", "This workspace has no API key called nobody."),
        ({"key": "n" * 199}, "key", f"This workspace has no API key called {'n' * 80}."),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_a_sentence(put, data, field, said):
    with pytest.raises(BadLimit) as refusal:
        put(**data)
    assert (refusal.value.field, refusal.value.message) == (field, said)
    assert not ProviderLimit.objects.exists() and not AuditEntry.objects.filter(action="limit.set").exists()


def test_a_key_of_another_workspace_is_none_of_ours(put):
    create_key(Workspace.objects.create(name="Other"), "theirs", ["ingest"])
    with pytest.raises(BadLimit, match="no API key called theirs"):
        put(key="theirs")


def test_each_provider_model_and_key_has_one_limit_and_setting_it_again_replaces_all_of_it(put, workspace):
    create_key(workspace, "web", ["ingest"])
    for data in ({}, {"model": "m"}, {"key": "web"}, {"model": "m", "key": "web"}, {"provider": "anthropic"}):
        put(**data, tokens="5", cached_counts="on")
    assert ProviderLimit.objects.count() == 5
    again = put(model="m", requests="", output_tokens="9")
    assert ProviderLimit.objects.count() == 5
    assert (again.requests, again.tokens, again.output_tokens, again.cached_counts) == (None, None, 9, False)


def test_other_workspaces_have_limits_of_their_own(put, member):
    mine = put()
    other = Workspace.objects.create(name="Other")
    manage.put(other, {"provider": "openai", "requests": "99"}, member)
    mine.refresh_from_db()
    assert mine.requests == 10
    assert ProviderLimit.objects.filter(workspace=other).get().requests == 99


def test_there_are_at_most_so_many_but_those_there_are_can_still_be_changed(put, workspace):
    ProviderLimit.objects.bulk_create(
        ProviderLimit(workspace=workspace, provider="openai", model=f"m{n}", requests=1)
        for n in range(manage.MOST_LIMITS)
    )
    with pytest.raises(BadLimit, match="at most 500 limits; remove one first"):
        put(model="one more")
    assert put(model="m7", requests="8").requests == 8


def test_removing_one_forgets_it_alone_and_is_in_the_log(put, member):
    kept, gone = put(model="kept"), put(model="gone")
    manage.remove(gone, member)
    assert [*ProviderLimit.objects.all()] == [kept]
    assert AuditEntry.objects.get(action="limit.removed").subject.endswith("openai · gone")


def test_a_limit_is_held_against_the_calls_that_were_stored_under_its_names(put, workspace):
    web, batch = (create_key(workspace, name, ["ingest"])[0].pk for name in ("web", "batch"))
    record(workspace.lane, [
        entry(timestamp=NOON + timedelta(minutes=minute), api_key_id=key, model=model, requests=n,
              input_tokens=100, cached_input_tokens=60, output_tokens=5)
        for minute, key, model, n in [(0, web, "m", 3), (0, batch, "m", 4), (0, web, "other", 9), (5, web, "m", 6)]
    ])  # fmt: skip
    found = minutes(workspace, NOON, NOON + timedelta(hours=1))
    peaks = {
        name: [one.peak for one in pressed(found, put(tokens="90", **data), 60).measures[:2]]
        for name, data in {
            "all": {"cached_counts": "on"}, "model": {"model": "m"}, "key": {"model": "m", "key": "web"},
            "provider": {"provider": "Anthropic"},
        }.items()
    }  # fmt: skip
    assert peaks == {"all": [16, 315], "model": [7, 90], "key": [6, 45], "provider": [0, 0]}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.sampled_from(["provider", "model", "key", *MEASURES, "cached_counts", "more"]),
                       st.one_of(st.none(), st.text(max_size=250), st.integers(), st.booleans())))  # fmt: skip
def test_whatever_is_typed_is_a_limit_that_can_be_stored_or_a_sentence(workspace, member, data):
    try:
        limit = manage.put(workspace, data, member)
    except BadLimit as refusal:
        assert refusal.message.endswith(".") and refusal.field in {"provider", "model", "key", *MEASURES}
    else:
        assert limit.provider and any(getattr(limit, measure) for measure in MEASURES)
