"""Long text made short. Pure."""


def both_ends(text: str, most: int) -> str:
    """At most so many characters, without the middle: titles begin with whom they are about and end with the number."""
    if len(text) <= most:
        return text
    end = most // 2
    return f"{text[: most - end - 1].rstrip()}…{text[-end:].lstrip()}"
