"""Loop detection: an agent that repeats itself is named within a few calls."""
