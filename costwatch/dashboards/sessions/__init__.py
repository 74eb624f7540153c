"""Sessions: what conversations cost, the ways they take, and the history they send again."""
