CREATE PROCEDURE sp_GetActiveSession
    @service NVARCHAR(20),
    @account NVARCHAR(50) = N'main',
    @mode NVARCHAR(20) = N'live',
    @now DATETIME2(6) = NULL
AS
BEGIN
    SET NOCOUNT ON;
    SELECT TOP (1)
        session_id, service_type, account, mode, access_token, session_token, refresh_token,
        key_id, user_id, user_name, expires_at, is_active, created_at, updated_at, metadata
    FROM [AuthSessions]
    WHERE service_type = @service AND account = @account AND mode = @mode
      AND is_active = 1 AND expires_at > COALESCE(@now, SYSUTCDATETIME())
    ORDER BY created_at DESC;
END
