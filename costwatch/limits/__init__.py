"""Limits of providers: requests and tokens a minute, and how close the calls come to them."""
