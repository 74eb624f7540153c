"""What "Other" stands for is counted, however many there are."""

from datetime import timedelta

import pytest

from costwatch.dashboards.display import at_least
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
USERS = 530  # more than are fetched one by one


@pytest.fixture
def many_users(workspace, now):
    record(workspace.lane, [entry(f"e{n}", timestamp=now - timedelta(minutes=5), user_id=f"u{n:03}", cost=str(1 + n))
                            for n in range(USERS)])  # fmt: skip
    fold_all()


@pytest.mark.parametrize(
    ("known", "more", "told"), [(3, 0, "3"), (475, 44_000, "44,475"), (1_000, None, "1,000+"), (0, None, "0+")]
)
def test_a_count_says_whether_it_is_whole(known, more, told):
    assert at_least(known, more) == told


@pytest.mark.parametrize("path", ["/?by=user", "/explore?by=user&period=7d"])
def test_the_row_of_all_others_tells_how_many_they_are(client, many_users, path):
    html = client.get(path).content.decode()
    assert any(f"Other ({USERS - shown})" in html for shown in (9, 25))
    assert "+)" not in html
