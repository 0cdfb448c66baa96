"""Answers worth keeping for a while: in the process, and in the database that all share."""
