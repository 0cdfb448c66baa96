"""Backtests: rules that cannot be switched off, in whole paise."""
