CREATE FUNCTION sp_CleanupExpiredSessions(now timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (auth_sessions integer, user_sessions integer, cache_entries integer)
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE "AuthSessions" AS s SET is_active = false, updated_at = $1
    WHERE s.is_active AND s.expires_at <= $1;
    GET DIAGNOSTICS auth_sessions = ROW_COUNT;
    UPDATE "UserSessions" AS u SET is_active = false WHERE u.is_active AND u.expires_at <= $1;
    GET DIAGNOSTICS user_sessions = ROW_COUNT;
    DELETE FROM "CacheEntries" AS c WHERE c.expires_at <= $1;
    GET DIAGNOSTICS cache_entries = ROW_COUNT;
    RETURN NEXT;
END
$$;
