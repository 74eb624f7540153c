"""API keys: format, refusals, scopes, expiry, revocation, last use."""

import base64
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from costwatch.accounts import keys
from costwatch.accounts.keys import KeyInvalid, KeyRefused, authenticate, create_key, revoke
from costwatch.accounts.models import ApiKey
from costwatch.database.ahead import ahead

pytestmark = pytest.mark.django_db


def bearer(text):
    return f"Bearer {text}"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def refused(header, scope="ingest"):
    with pytest.raises(KeyRefused) as caught:
        authenticate(header, scope)
    return caught.value


def test_a_key_has_the_published_form_and_its_kind_is_its_widest_scope(workspace):
    for scopes, kind in [
        (["ingest"], "ingest"),
        (["read", "ingest"], "read"),
        (["ingest", "read", "admin"], "admin"),
        (["admin"], "admin"),
    ]:
        key, text = create_key(workspace, "k", scopes)
        assert text.startswith(f"cw_{kind}_") and len(text) == len(f"cw_{kind}_") + 38
        assert keys.KEY.fullmatch(text)
        assert (key.prefix, key.last4) == (f"cw_{kind}_", text[-4:])


def test_a_key_opens_its_own_workspace_and_says_where_it_leads(workspace):
    key, text = create_key(workspace, "collector", ["ingest", "read"])
    identity = authenticate(bearer(text), "ingest")
    assert identity == keys.KeyIdentity(
        key.pk, workspace.pk, workspace.lane, "Europe/Berlin", frozenset({"ingest", "read"}), "collector"
    )


def test_neither_the_key_nor_its_secret_part_is_stored(workspace):
    _, text = create_key(workspace, "collector", ["ingest"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(k)::text FROM accounts_apikey k")
        stored = cursor.fetchone()[0]
    assert text not in stored and text[10:40] not in stored


def test_no_two_keys_are_alike(workspace):
    assert len({create_key(workspace, "k", ["read"])[1] for _ in range(50)}) == 50


def test_langfuse_clients_send_the_key_as_basic_password(workspace):
    _, text = create_key(workspace, "langfuse", ["ingest"])
    assert authenticate(basic("pk-lf-anything", text), "ingest").workspace_id == workspace.pk
    assert authenticate(basic("", text), "ingest")


@pytest.mark.parametrize("form", ["Bearer {}", "bearer  {} ", "BEARER {}", "Bearer%20{}"])
def test_the_word_bearer_may_be_written_as_clients_do(workspace, form):
    _, text = create_key(workspace, "otel", ["ingest"])
    assert authenticate(form.format(text), "ingest")


@pytest.mark.parametrize(
    "header",
    [
        None, "", " ", "Bearer", "Bearer ", "Bearer  ", "Basic", "Basic ", "Basic !!!", "Basic YQ", "Basic YTpi",
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(), "Basic " + base64.b64encode(b"no colon").decode(),
        "Token cw_ingest_x", "Bearer cw_ingest_", "Bearer cw_ingest_" + "a" * 38, "Bearer cw_root_" + "a" * 38,
        "Bearer ' OR 1=1 --", "Bearer cw_ingest_'; DROP TABLE accounts_apikey; --", "Bearer \x00", "Bearer \ud800",
        "Bearer ключ", "Bearer ÿþ", "Bearer " + "a" * 100_000, "Basic " + "QUFB" * 30_000, "Bearer a b c", "\r\n",
        "Bearer cw_ingest_" + "\uff11" * 38, "null", "undefined", "Bearer null", "Digest username=x", "Bearer {}", ":",
    ],
)  # fmt: skip
def test_a_hostile_or_broken_header_is_a_401_without_a_look_into_the_database(header, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = refused(header)
    assert answer.status == 401
    assert answer.code in ("key_missing", "key_malformed") and answer.message.endswith((".", "…"))


def test_a_single_wrong_character_is_found_before_the_database_is_asked(workspace, django_assert_num_queries):
    _, text = create_key(workspace, "k", ["ingest"])
    with django_assert_num_queries(0):
        for at in range(len("cw_ingest_"), len(text)):
            other = "x" if text[at] != "x" else "y"
            assert refused(bearer(text[:at] + other + text[at + 1 :])).code == "key_malformed"
        assert refused(bearer(text[:-1])).code == "key_malformed"
        assert refused(bearer(text.replace("ingest", "admin"))).code == "key_malformed"


def test_a_well_formed_key_that_was_never_made_is_unknown():
    body = "cw_ingest_" + "a" * 32
    answer = refused(bearer(body + keys.checksum(body)))
    assert (answer.status, answer.code) == (401, "key_unknown")


def test_scopes_are_independent_and_a_missing_one_is_a_403_that_names_it(workspace):
    for scopes in (["ingest"], ["read"], ["admin"]):
        _, text = create_key(workspace, "k", scopes)
        for scope in keys.SCOPES:
            if scope in scopes:
                assert authenticate(bearer(text), scope)
            else:
                answer = refused(bearer(text), scope)
                assert (answer.status, answer.code) == (403, "scope_missing") and scope in answer.message


def test_a_revoked_key_is_refused_at_once_here_and_says_so(workspace):
    key, text = create_key(workspace, "k", ["ingest"])
    authenticate(bearer(text), "ingest")
    assert revoke(key) is True
    assert refused(bearer(text)).code == "key_revoked"
    assert revoke(key) is False


def test_a_key_revoked_elsewhere_is_refused_when_the_cache_has_forgotten_it(workspace, monkeypatch):
    key, text = create_key(workspace, "k", ["ingest"])
    clock = [1000.0]
    monkeypatch.setattr(keys, "monotonic", lambda: clock[0])
    authenticate(bearer(text), "ingest")
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    clock[0] += keys.CACHE_SECONDS - 0.01
    assert authenticate(bearer(text), "ingest")
    clock[0] += 0.02
    assert refused(bearer(text)).code == "key_revoked"


@pytest.mark.django_db(transaction=True)
def test_a_key_in_use_is_looked_up_again_while_its_requests_go_on(workspace, monkeypatch, django_assert_num_queries):
    key, text = create_key(workspace, "k", ["ingest"])
    monkeypatch.setattr(keys, "CACHE_SECONDS", 60.0)
    authenticate(bearer(text), "ingest")
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    with django_assert_num_queries(0):
        authenticate(bearer(text), "ingest")
        monkeypatch.setattr(keys, "LOOK_AGAIN", 60.0)
        authenticate(bearer(text), "ingest")
    ahead.halt()  # what it was asked for is done
    assert refused(bearer(text)).code == "key_revoked"


def test_an_expired_key_is_refused_and_the_cache_does_not_outlive_the_expiry(workspace, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(keys, "monotonic", lambda: clock[0])
    key, text = create_key(workspace, "k", ["ingest"], expires_at=timezone.now() + timedelta(seconds=0.3))
    authenticate(bearer(text), "ingest")
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() - timedelta(days=1))
    clock[0] += 0.31
    assert refused(bearer(text)).code == "key_expired"


def test_a_cached_key_needs_no_query(workspace, django_assert_num_queries):
    _, text = create_key(workspace, "k", ["ingest"])
    authenticate(bearer(text), "ingest")
    with django_assert_num_queries(0):
        for _ in range(100):
            authenticate(bearer(text), "ingest")


def test_refused_keys_are_not_remembered_so_that_they_cannot_fill_the_memory(workspace):
    body = "cw_ingest_" + "b" * 32
    refused(bearer(body + keys.checksum(body)))
    assert keys._cache == {}


def test_the_cache_stays_bounded(workspace, monkeypatch):
    monkeypatch.setattr(keys, "CACHE_SIZE", 3)
    for _ in range(10):
        authenticate(bearer(create_key(workspace, "k", ["ingest"])[1]), "ingest")
        assert len(keys._cache) <= 3


def test_the_last_use_is_written_at_most_once_a_minute(workspace):
    key, text = create_key(workspace, "k", ["ingest"])
    authenticate(bearer(text), "ingest")
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    keys._cache.clear()
    authenticate(bearer(text), "ingest")
    key.refresh_from_db()
    assert key.last_used_at == first
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=first - timedelta(seconds=61))
    keys._cache.clear()
    authenticate(bearer(text), "ingest")
    key.refresh_from_db()
    assert key.last_used_at > first


def test_database_trouble_is_a_503_to_come_back_after_not_a_401(workspace):
    _, text = create_key(workspace, "k", ["ingest"])

    def fails(*_):
        raise OperationalError("server closed the connection")

    with connection.execute_wrapper(fails):
        answer = refused(bearer(text))
    assert (answer.status, answer.code) == (503, "unavailable") and 1 <= answer.retry_after <= 5
    assert authenticate(bearer(text), "ingest")


def test_a_last_use_that_cannot_be_noted_does_not_refuse_the_key(workspace):
    _, text = create_key(workspace, "k", ["ingest"])

    def read_only(execute, sql, *rest):
        if sql.startswith("UPDATE"):
            raise OperationalError("cannot execute UPDATE in a read-only transaction")
        return execute(sql, *rest)

    with connection.execute_wrapper(read_only):
        assert authenticate(bearer(text), "ingest")


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "a\x00b", None, 7, ["x"]])
def test_a_key_needs_a_printable_name(workspace, name):
    with pytest.raises(KeyInvalid) as caught:
        create_key(workspace, name, ["ingest"])
    assert caught.value.field == "name"


@pytest.mark.parametrize("scopes", [[], "", "root", ["ingest", "root"], [None], [["ingest"]], {"ingest": 1}, 5, None])
def test_a_key_needs_known_scopes(workspace, scopes):
    with pytest.raises(KeyInvalid) as caught:
        create_key(workspace, "k", scopes)
    assert caught.value.field == "scopes"


def test_scopes_given_twice_or_in_any_order_are_kept_once_in_order(workspace):
    key, _ = create_key(workspace, "k", ["read", "ingest", "read"])
    assert key.scopes == ["ingest", "read"]


def test_an_expiry_must_lie_ahead(workspace):
    for when in (timezone.now() - timedelta(seconds=1), (timezone.now() + timedelta(days=1)).replace(tzinfo=None)):
        with pytest.raises(KeyInvalid) as caught:
            create_key(workspace, "k", ["ingest"], expires_at=when)
        assert caught.value.field == "expires_at"
