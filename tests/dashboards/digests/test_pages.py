"""The pages of digests: one period on the screen, as CSV, as PDF and as mail; who gets which."""

import csv
from decimal import Decimal
from io import StringIO

import pytest
from django.urls import reverse

from costwatch.accounts.models import AuditEntry
from costwatch.alerts.models import Channel
from costwatch.budgets import manage
from costwatch.digests import subscriptions
from costwatch.digests.models import Subscription
from tests.dashboards.page import figure, row, text

pytestmark = [pytest.mark.usefixtures("now", "weeks"), pytest.mark.thorough]
WEEK = "/digests/weekly/2026-11-16"


def body(client, address, status=200):
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


def test_the_address_alone_leads_to_last_week(client):
    assert client.get("/digests", follow=True).redirect_chain[-1][0] == WEEK
    assert client.get("/digests/daily")["Location"] == "/digests/daily/2026-11-24"
    assert client.get("/digests/monthly")["Location"] == "/digests/monthly/2026-10-01"


def test_the_page_tells_the_week(client):
    html = body(client, WEEK)
    assert "$112.00 was spent in the week 16–22 Nov 2026, +$42.00 against $70.00" in text(html)
    assert row(html, "reasoning")[1:] == ["$42.00", "+$42.00", "not there before"]
    assert row(html, "All others")[1:] == ["$70.00", "$0.00", "0.0 %"]
    assert ">Why<" not in html
    assert sum(figure(html)["data"][0]["y"]) == 112
    assert "Priced 94.9 % at most $6.00 missing" in text(html)
    assert row(html, "<b>preview</b>")[1:] == ["3", "$6.00"]
    assert "<b>preview" not in html


def test_any_day_of_a_week_is_an_address_of_it_and_neighbours_are_linked(client):
    html = body(client, "/digests/weekly/2026-11-19")
    assert 'href="/digests/weekly/2026-11-09"' in html
    assert 'href="/digests/weekly/2026-11-23"' in html


def test_a_running_week_says_so_and_the_next_has_no_page(client):
    html = body(client, "/digests/weekly/2026-11-23")
    assert "23–29 Nov 2026 so far" in text(html)
    body(client, "/digests/weekly/2026-11-30", 404)


@pytest.mark.parametrize("address", ["/digests/hourly", "/digests/weekly/x", "/digests/weekly/2026-13-40",
                                     "/digests/weekly/9999-12-31", "/digests/weekly/20261116",
                                     "/digests/preview?kind=hourly"])  # fmt: skip
def test_what_is_no_period_is_not_found(client, address):
    body(client, address, 404)


def test_a_reader_of_another_zone_finds_the_days_of_the_mail(client):
    html = body(client, "/digests/daily/2026-11-24?tz=Pacific/Auckland")
    assert "Pacific/Auckland" in html and "/digests/daily/2026-11-23?tz=Pacific%2FAuckland" in html
    body(client, f"{WEEK}?tz=Mars/Base", 404)


def test_the_overview_and_the_variance_of_the_same_days_are_linked(client):
    html = body(client, WEEK)
    for address in ("/?first=2026-11-16&amp;last=2026-11-22", "/variance?first=2026-11-16&amp;last=2026-11-22"):
        assert f'href="{address}"' in html
        assert "16–22 Nov" in body(client, address.replace("&amp;", "&"))


def test_the_csv_has_all_digits(client):
    lines = client.get(f"{WEEK}.csv").getvalue().decode("utf-8-sig").splitlines()
    assert lines[0] == "Dimension,Value,Spend USD,Before USD,Change USD"
    assert lines[-1].startswith("total,Total,112.0")
    rows = [line.split(",") for line in lines[1:]]
    assert [row[1] for row in rows if row[0] == "agent"] == ["reasoning", "All others"]
    for column in (2, 3, 4):
        agents, total = (sum(Decimal(row[column]) for row in rows if row[0] == name) for name in ("agent", "total"))
        assert agents == total


def test_a_month_before_that_is_not_whole_is_not_compared_with(client):
    html = body(client, "/digests/monthly/2026-11-01")
    assert "the books begin 2 Nov" in text(html)
    assert "Agents that cost most" in text(html)
    assert row(html, "reasoning")[1:] == ["$42.00"]
    assert "%" not in text(html).split("Agents that cost most")[1].split("Budgets now")[0]


def test_the_pdf_is_one(client):
    answer = client.get(f"{WEEK}.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'inline; filename="digest-weekly-2026-11-16.pdf"'
    assert answer.content.startswith(b"%PDF-")


def test_the_preview_is_the_mail_itself(client):
    html = body(client, "/digests/preview")
    assert "Larkfield Support, 16–22 Nov 2026: $112.00, +60 %" in text(html)
    assert "<b>preview" not in html
    assert "24 Nov 2026" in text(body(client, "/digests/preview?kind=daily"))


def test_an_empty_workspace_has_a_page_too(stranger):
    assert "nothing in the week before" in text(body(stranger, WEEK))


def test_a_viewer_subscribes_and_ends_what_is_theirs(client, workspace):
    address = reverse("digest-settings")
    sent = {"kind": "weekly", "channel": "", "hour": "7", "time_zone": "Europe/Paris"}
    assert client.post(address, sent).status_code == 302
    one = Subscription.objects.get()
    assert (one.hour, one.time_zone, one.member.email) == (7, "Europe/Paris", "viewer@larkfield.example")
    assert row(body(client, address), "viewer@larkfield.example")[1:4] == ["weekly", "07:00", "Europe/Paris"]
    client.post(reverse("digest-cancel", args=[one.pk]))
    assert not Subscription.objects.exists()
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["digest.subscribed", "digest.cancelled"]


def test_channels_are_for_editors(client, editor, hook):
    address, sent = reverse("digest-settings"), {"kind": "daily", "channel": str(hook.pk), "hour": "8"}
    assert client.post(address, sent).status_code == 422
    assert editor.post(address, sent).status_code == 302
    one = Subscription.objects.get()
    assert (one.channel, one.member) == (hook, None)
    assert client.post(reverse("digest-cancel", args=[one.pk])).status_code == 404
    assert editor.post(reverse("digest-cancel", args=[one.pk])).status_code == 302


def test_a_viewer_does_not_end_what_others_get(client, workspace, ann, now):
    one = subscriptions.subscribe(workspace, "weekly", now, by="ann", member=ann)[0]
    assert client.post(reverse("digest-cancel", args=[one.pk])).status_code == 404
    assert Subscription.objects.exists()


@pytest.mark.parametrize("sent", [{"kind": "hourly"}, {"hour": "25"}, {"hour": "x"}, {"time_zone": "Mars/Base"},
                                  {"channel": "999999"}])  # fmt: skip
def test_what_cannot_be_subscribed_is_refused_in_words(editor, sent):
    right = {"kind": "weekly", "hour": "8", "channel": "", "time_zone": ""}
    response = editor.post(reverse("digest-settings"), right | sent)
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert not Subscription.objects.exists()
    assert not Channel.objects.exists()


def test_strangers_see_and_end_nothing(stranger, workspace, ann, now):
    one = subscriptions.subscribe(workspace, "weekly", now, by="ann", member=ann)[0]
    assert "ann@" not in body(stranger, reverse("digest-settings"))
    assert stranger.post(reverse("digest-cancel", args=[one.pk])).status_code == 404


def test_a_digest_by_mail_says_so_where_no_mail_can_go(client, settings):
    settings.SMTP_URL = ""
    assert "an operator sets COSTWATCH_SMTP_URL" in client.get("/settings/digests").content.decode()
    settings.SMTP_URL = "smtp://mail.example"
    assert "COSTWATCH_SMTP_URL" not in client.get("/settings/digests").content.decode()


def test_budgets_stand_in_the_words_of_their_own_page(client, workspace, now):
    manage.create(workspace, {"name": "Everything", "amount_usd": 1000, "period": "monthly"}, "ann")
    assert ">within</td>" in client.get("/digests/weekly/2026-11-09").content.decode()


def test_who_gets_which_digest_is_a_file_too(client, workspace, now, ann):
    assert "digests.csv" not in body(client, "/settings/digests")
    channel = Channel.objects.create(workspace=workspace, kind="slack", name="=team")
    subscriptions.subscribe(workspace, "weekly", now, by="ann", member=ann)
    subscriptions.subscribe(workspace, "daily", now, by="ann", channel=channel, hour=6, time_zone="Asia/Kathmandu")
    assert 'href="/settings/digests.csv"' in body(client, "/settings/digests")
    daily, weekly = csv.DictReader(StringIO(body(client, "/settings/digests.csv")))
    assert (daily["goes_to"], daily["every"], daily["at"], daily["zone"]) == (
        "'=team",
        "daily",
        "06:00",
        "Asia/Kathmandu",
    )
    assert (weekly["goes_to"], weekly["at"], weekly["zone"]) == (ann.email, "08:00", workspace.time_zone)
    assert weekly["asked_for_by"] == "ann" and weekly["asked_for_at"].endswith("Z")
