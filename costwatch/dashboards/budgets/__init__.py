"""The pages of budgets: how they stand, what is in them, and the form that shows what one would have done."""
