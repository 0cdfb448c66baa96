"""One history for every dialect. A revision is named by date and meaning."""

HEAD = "2026_11_27_stream_quotes"
VERSION_TABLE = "munshi_revision"
# Stands where the revision does while a copy is not finished; no version of Munshi opens that.
UNFINISHED_COPY = "unfinished_copy"
