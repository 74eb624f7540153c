"""The month: the statement that finance keeps, one address a month."""
