"""Munshi keeps a trading desk's books."""
