"""The two apps and users every simulator knows. None of these opens a real account."""

from dataclasses import dataclass, field

PASSWORD = "simulated-password"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedUser:
    """An account with its registered app, as a broker's own database holds them."""

    app_key: str
    app_secret: str = field(repr=False)
    user_id: str
    user_name: str
    password: str = field(repr=False)
    totp_seed: str = field(repr=False)


KITE_USER = SimulatedUser(
    app_key="simkitekey",
    app_secret="simkitesecret",  # noqa: S106
    user_id="SIM123",
    user_name="Simulated Trader",
    password=PASSWORD,
    totp_seed="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
)

BREEZE_USER = SimulatedUser(
    app_key="simbreezekey",
    app_secret="simbreezesecret",  # noqa: S106
    user_id="SIMBREEZE",
    user_name="SIMULATED TRADER",
    password=PASSWORD,
    totp_seed="KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU",
)

KITE_REDIRECT_URL = "http://127.0.0.1:8000/auth/kite/callback"
BREEZE_REDIRECT_URL = "http://127.0.0.1:8000/auth/breeze/callback"
