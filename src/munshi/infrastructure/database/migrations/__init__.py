"""One history for every dialect. A revision is named by date and meaning."""

HEAD = "2026_11_25_audit_ledger"
VERSION_TABLE = "munshi_revision"
