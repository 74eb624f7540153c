"""The token bucket of a key."""

from ingest.rate import BUCKETS, Buckets


def test_a_key_may_make_its_rate_of_requests_and_no_more():
    buckets = Buckets(10)
    allowed = sum(not buckets.take(1, now=i / 1000).wait for i in range(10_000))
    assert 110 <= allowed <= 121  # 10 s at 10 a second, and what a quiet key may catch up


def test_the_processes_share_the_limit():
    shares = [Buckets(10, processes=2) for _ in range(2)]
    allowed = sum(not share.take(1, now=i / 1000).wait for i in range(10_000) for share in shares)
    assert 110 <= allowed <= 122


def test_one_key_does_not_use_up_the_others():
    buckets = Buckets(5)
    while not buckets.take(1, now=0).wait:
        pass
    assert not buckets.take(2, now=0).wait


def test_the_headers_say_what_is_left_and_when_to_come_again():
    buckets = Buckets(0.1)  # one in ten seconds
    first, second = buckets.take(1, now=0), buckets.take(1, now=0)
    assert (first.wait, second.wait) == (0, 10)
    assert second.headers == {"RateLimit-Limit": "0", "RateLimit-Remaining": "0", "RateLimit-Reset": "10"}
    assert not buckets.take(1, now=second.wait).wait


def test_a_flood_of_keys_does_not_fill_the_memory():
    buckets = Buckets(10)
    for key in range(2 * BUCKETS):
        buckets.take(key, now=0)
    assert len(buckets._left) <= BUCKETS
