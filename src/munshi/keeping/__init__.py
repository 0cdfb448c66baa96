"""Keeping and moving: backups and copies of a desk."""
