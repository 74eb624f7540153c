"""The limits view: requests and tokens a minute against what providers allow."""
