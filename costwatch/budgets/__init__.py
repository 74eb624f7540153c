"""Budgets: what may be spent in a period by a part of the usage, and who is told when how much of it is gone."""
