CREATE FUNCTION sp_GetActiveSession(
    service text,
    account text DEFAULT 'main',
    mode text DEFAULT 'live',
    now timestamptz DEFAULT clock_timestamp()
) RETURNS SETOF "AuthSessions" LANGUAGE sql STABLE AS $$
    SELECT s.*
    FROM "AuthSessions" AS s
    WHERE s.service_type = $1 AND s.account = $2 AND s.mode = $3
      AND s.is_active AND s.expires_at > $4
    ORDER BY s.created_at DESC
    LIMIT 1
$$;
