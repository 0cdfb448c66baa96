"""Keys of type `notifications`: kept from an older install until alerts are delivered."""

from munshi.domain.config_keys.key import NOTIFICATIONS, ConfigKey
from munshi.domain.config_values import Flag, Shape, Text, TimeOfDay, Whole


def _kept(name: str, shape: Shape, description: str, *, is_secret: bool = False) -> ConfigKey:
    return ConfigKey(
        config_type=NOTIFICATIONS,
        name=name,
        shape=shape,
        is_secret=is_secret,
        kept_only=True,
        description=description,
    )


KEYS: tuple[ConfigKey, ...] = (
    _kept("enabled", Flag(), "Whether anybody is told of anything."),
    _kept("on_success", Flag(), "Whether jobs that ended well are told of."),
    _kept("on_failure", Flag(), "Whether jobs that failed are told of."),
    _kept("daily_summary.enabled", Flag(), "Whether a summary of the day is sent."),
    _kept("daily_summary.time", TimeOfDay(), "When it is sent (IST)."),
    _kept("webhook.url", Text(longest=2000), "An address that is called.", is_secret=True),
    _kept("telegram.enabled", Flag(), "Whether messages are sent by Telegram."),
    _kept("telegram.bot_token", Text(longest=200), "The token of your bot.", is_secret=True),
    _kept("telegram.chat_id", Text(longest=100), "The chat to which your bot writes."),
    _kept("email.enabled", Flag(), "Whether messages are sent by e-mail."),
    _kept("email.to", Text(longest=1000), "To whom e-mail goes; several with commas between."),
    _kept("email.from", Text(longest=320), "Who it comes from."),
    _kept("smtp.host", Text(longest=253), "The server that takes e-mail."),
    _kept("smtp.port", Whole(smallest=1, largest=65_535), "The port it listens on."),
    _kept("smtp.user", Text(longest=320), "Your user at that server."),
    _kept("smtp.password", Text(longest=500), "Your password there.", is_secret=True),
    _kept("smtp.use_tls", Flag(), "Whether the connection is encrypted."),
)
