"""What stops a command: told to the person in one sentence, without a traceback."""


class Trouble(Exception):
    """One sentence: what happened, where, and what to do."""
