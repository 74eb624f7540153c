"""The pages of repricing, as a browser without scripts gets them."""

import csv
from decimal import Decimal
from io import StringIO

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.models import SpendAdjustment
from costwatch.ledger.verify import verify
from tests.dashboards.prices.conftest import browser, text, work

pytestmark = pytest.mark.django_db


class TestReprice:
    SPAN = {"from": "2026-11-01", "to": "2026-12-01"}

    def placed(self, admin, **fields):
        answer = admin.post("/prices/reprice/place", {**self.SPAN, "reason": "wrong list", "model": "", **fields})
        assert answer.status_code == 302, answer.content[:500]
        return answer["Location"]

    def test_counted_shown_confirmed_applied(self, admin, calls):
        address = self.placed(admin, model="small")
        assert "Being counted" in text(admin.get(address)) and 'hx-trigger="every 1s"' in text(admin.get(address))
        work()
        page = text(admin.get(address))
        assert "nothing is changed yet" in page and "Reprice 1 call<" in page and "$3.00" in page
        assert not SpendAdjustment.objects.exists()
        admin.post(f"{address}/confirm")
        work()
        assert "Applied" in text(admin.get(address))
        assert SpendAdjustment.objects.count() == 1
        admin.post(f"{address}/confirm")
        work()
        assert SpendAdjustment.objects.count() == 1 and verify(deep=True).ok
        assert "wrong list" in text(admin.get("/prices/reprice"))

    def test_an_order_and_the_list_of_orders_are_files_too(self, admin, viewer, calls):
        assert "reprice.csv" not in text(viewer.get("/prices/reprice"))
        address = self.placed(admin, model="small", reason="=wrong list")
        work()
        assert f'href="{address}.csv"' in text(viewer.get(address))
        assert 'href="/prices/reprice.csv"' in text(viewer.get("/prices/reprice"))
        (line,) = csv.DictReader(StringIO(text(viewer.get(f"{address}.csv"))))
        assert (line["day"], line["model"], line["changed_calls"]) == ("2026-11-18", "small", "1")
        assert Decimal(line["old_cost_usd"]) == 3
        assert Decimal(line["difference_usd"]) == Decimal(line["new_cost_usd"]) - 3
        (order,) = csv.DictReader(StringIO(text(viewer.get("/prices/reprice.csv"))))
        assert (order["reason"], order["models"], order["state"]) == ("'=wrong list", "small", "counted")
        assert order["difference_usd"] == line["difference_usd"]

    def test_nothing_to_change_is_said(self, admin, calls):
        address = self.placed(admin, model="nobody's")
        work()
        assert "there is nothing to change" in text(admin.get(address))

    @pytest.mark.parametrize(
        ("fields", "told"),
        [({"from": "x"}, "is no date"), ({"to": "2026-11-01"}, "must be later"), ({"reason": " "}, "Say why")],
    )
    def test_what_cannot_be_is_said(self, admin, fields, told):
        assert told in text(admin.post("/prices/reprice/place", {**self.SPAN, "reason": "r", **fields}), 422)

    def test_a_viewer_looks_and_a_stranger_does_not(self, admin, viewer, calls):
        address = self.placed(admin)
        assert "Being counted" in text(viewer.get(address))
        assert viewer.post(f"{address}/confirm").status_code == 403
        assert viewer.post("/prices/reprice/place", self.SPAN).status_code == 403
        stranger = browser(Workspace.objects.create(name="Elsewhere"), "owner")
        assert stranger.get(address).status_code == stranger.get(f"{address}.csv").status_code == 404
        assert stranger.post(f"{address}/confirm").status_code == 404

    def test_for_htmx_the_progress_comes_alone(self, admin, calls):
        page = text(admin.get(self.placed(admin), headers={"HX-Request": "true", "HX-Target": "order"}))
        assert page.lstrip().startswith('<div class="stack" id="order"')
