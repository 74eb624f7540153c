"""Places are given in the order in which they were asked for."""

import threading
import time

from costwatch.threads import Places, Turns


def waiting(turns: Turns, order: list[int], number: int, seconds: float = 20) -> threading.Thread:
    """A thread that waits for a place and notes when it got it, or -number when it did not."""
    before = len(turns._waiting)
    thread = threading.Thread(target=lambda: order.append(number if turns.take(seconds) else -number))
    thread.start()
    while len(turns._waiting) == before:
        time.sleep(0.001)
    return thread


def test_who_came_first_goes_first_and_who_comes_later_does_not_pass_by() -> None:
    turns, order = Turns(1), []
    assert turns.take(0)
    threads = [waiting(turns, order, number) for number in (1, 2, 3)]
    for number, thread in enumerate(threads, 1):
        assert not turns.take(0)
        turns.give_back()
        thread.join(20)
        assert order[-1] == number
    turns.give_back()
    assert turns.take(0) and not turns.take(0)


def test_who_gives_up_leaves_its_turn_to_the_next() -> None:
    turns, order = Turns(1), []
    assert turns.take(0)
    first = waiting(turns, order, 1, 0.05)
    second = waiting(turns, order, 2)
    first.join(20)
    turns.give_back()
    second.join(20)
    assert order == [-1, 2]


def test_no_place_is_lost_or_made_however_often_somebody_gives_up() -> None:
    turns, at_once, most, refused = Turns(3), [], [], []

    def client() -> None:
        for _ in range(200):
            if not turns.take(0.0005):
                refused.append(1)
                continue
            at_once.append(1)
            most.append(len(at_once))
            time.sleep(0.0003)
            at_once.pop()
            turns.give_back()

    clients = [threading.Thread(target=client) for _ in range(12)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert refused and max(most) <= 3
    assert [turns.take(0) for _ in range(4)] == [True, True, True, False]


def test_who_finds_no_place_is_no_sign_that_something_moves() -> None:
    places = Places(3, 0.01)
    assert None not in [places.take(is_quick=True) for _ in range(3)]
    moved = places._moved
    assert places.take() is None and places.take(is_quick=True) is None
    assert places._moved == moved


def test_a_place_that_could_not_be_got_is_not_lost() -> None:
    places = Places(4, 0.01)
    kept = [places.take(is_quick=True) for _ in range(4)]
    assert [places.take() for _ in range(3)] == [None] * 3
    for give_back in kept:
        give_back()
    assert [places.take() is not None for _ in range(3)] == [True, True, False]
