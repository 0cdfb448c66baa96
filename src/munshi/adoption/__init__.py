"""Takes over the tables of an old install: its configuration, job history and audit trail."""
