"""The identities under which an event is known: 16 bytes each, equal for equal input in every process and for ever."""

from hashlib import blake2b


def event_key(event_id: str) -> bytes:
    """The identity that follows from the sender's event id."""
    return blake2b(event_id.encode(), digest_size=16, person=b"event").digest()


def response_key(provider: str | None, response_id: str) -> bytes:
    """The identity that follows from the provider's id of the answer: the same call seen by two senders meets here."""
    return blake2b(f"{provider or ''}\0{response_id}".encode(), digest_size=16, person=b"response").digest()
