"""One history for every dialect. A revision is named by date and meaning."""

HEAD = "2026_11_25_vault_keys"
VERSION_TABLE = "munshi_revision"
