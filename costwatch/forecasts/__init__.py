"""Forecasts that were issued, kept to be held against what came."""
