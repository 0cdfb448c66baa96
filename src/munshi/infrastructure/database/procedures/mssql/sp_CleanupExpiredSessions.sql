CREATE PROCEDURE sp_CleanupExpiredSessions
    @now DATETIME2(6) = NULL
AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @at DATETIME2(6) = COALESCE(@now, SYSUTCDATETIME());
    DECLARE @auth INT, @web INT, @cache INT;
    BEGIN TRANSACTION;
    UPDATE [AuthSessions] SET is_active = 0, updated_at = @at
    WHERE is_active = 1 AND expires_at <= @at;
    SET @auth = @@ROWCOUNT;
    UPDATE [UserSessions] SET is_active = 0 WHERE is_active = 1 AND expires_at <= @at;
    SET @web = @@ROWCOUNT;
    DELETE FROM [CacheEntries] WHERE expires_at <= @at;
    SET @cache = @@ROWCOUNT;
    COMMIT TRANSACTION;
    SELECT @auth AS auth_sessions, @web AS user_sessions, @cache AS cache_entries;
END
