"""Broker limits that all processes of the desk share, and what was made of them."""
