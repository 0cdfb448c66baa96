"""One history for every dialect. A revision is named by date and meaning."""

HEAD = "2026_11_22_stored_procedures"
VERSION_TABLE = "munshi_revision"
