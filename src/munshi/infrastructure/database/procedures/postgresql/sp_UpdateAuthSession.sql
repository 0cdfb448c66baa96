CREATE FUNCTION sp_UpdateAuthSession(
    session_id uuid,
    service text,
    account text,
    mode text,
    session_token bytea,
    access_token bytea,
    key_id text,
    user_id text,
    user_name text,
    expires_at timestamptz,
    metadata jsonb DEFAULT '{}',
    now timestamptz DEFAULT clock_timestamp()
) RETURNS uuid LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    UPDATE "AuthSessions" AS s SET is_active = false, updated_at = $12
    WHERE s.service_type = $2 AND s.account = $3 AND s.mode = $4 AND s.is_active;
    INSERT INTO "AuthSessions" (
        session_id, service_type, account, mode, session_token, access_token, key_id,
        user_id, user_name, expires_at, is_active, created_at, updated_at, metadata
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true, $12, $12, $11);
    RETURN $1;
END
$$;
