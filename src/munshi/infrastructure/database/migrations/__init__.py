"""One history for every dialect. A revision is named by date and meaning."""

HEAD = "2026_11_26_cache"
VERSION_TABLE = "munshi_revision"
