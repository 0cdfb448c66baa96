CREATE PROCEDURE sp_UpdateAuthSession
    @session_id UNIQUEIDENTIFIER,
    @service NVARCHAR(20),
    @account NVARCHAR(50),
    @mode NVARCHAR(20),
    @session_token VARBINARY(MAX),
    @access_token VARBINARY(MAX),
    @key_id NVARCHAR(40),
    @user_id NVARCHAR(100),
    @user_name NVARCHAR(200),
    @expires_at DATETIME2(6),
    @metadata NVARCHAR(MAX) = N'{}',
    @now DATETIME2(6) = NULL
AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @at DATETIME2(6) = COALESCE(@now, SYSUTCDATETIME());
    BEGIN TRANSACTION;
    UPDATE [AuthSessions] SET is_active = 0, updated_at = @at
    WHERE service_type = @service AND account = @account AND mode = @mode AND is_active = 1;
    INSERT INTO [AuthSessions] (
        session_id, service_type, account, mode, session_token, access_token, key_id,
        user_id, user_name, expires_at, is_active, created_at, updated_at, metadata
    ) VALUES (
        @session_id, @service, @account, @mode, @session_token, @access_token, @key_id,
        @user_id, @user_name, @expires_at, 1, @at, @at, @metadata
    );
    COMMIT TRANSACTION;
    SELECT @session_id AS session_id;
END
