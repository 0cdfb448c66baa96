"""Backtests of option trades of several legs, in whole paise."""
