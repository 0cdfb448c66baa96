CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS kite_logins (
  sess_id TEXT PRIMARY KEY, api_key TEXT NOT NULL, redirect_params TEXT NOT NULL,
  begun_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS kite_passwords (
  request_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, given_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS kite_web_sessions (
  kf_session TEXT PRIMARY KEY, user_id TEXT NOT NULL, public_token TEXT NOT NULL,
  enctoken TEXT NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS kite_consents (api_key TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS kite_request_tokens (
  token TEXT PRIMARY KEY, api_key TEXT NOT NULL, user_id TEXT NOT NULL,
  issued_at INTEGER NOT NULL, spent_at INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS kite_access_tokens (
  token TEXT PRIMARY KEY, api_key TEXT NOT NULL, user_id TEXT NOT NULL,
  issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS breeze_sessions (
  api_session TEXT PRIMARY KEY, user_id TEXT NOT NULL, session_key TEXT NOT NULL UNIQUE,
  issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS arrivals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, arrived_at INTEGER NOT NULL, service TEXT NOT NULL,
  endpoint_class TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  status INTEGER, fault TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS faults (
  id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, endpoint_class TEXT NOT NULL,
  kind TEXT NOT NULL, remaining INTEGER, seconds REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS limits (
  service TEXT NOT NULL, bucket TEXT NOT NULL, window_seconds INTEGER NOT NULL,
  allowed INTEGER, PRIMARY KEY (service, bucket, window_seconds)
) STRICT;
CREATE TABLE IF NOT EXISTS day_counts (
  service TEXT NOT NULL, bucket TEXT NOT NULL, day TEXT NOT NULL, calls INTEGER NOT NULL,
  PRIMARY KEY (service, bucket, day)
) STRICT;
