"""Profile pages: all about one agent, user, task, model, release, or value of a tag."""
