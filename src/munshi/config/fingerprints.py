"""What the audit keeps of a secret: that it changed, and nothing that could be guessed at."""

from munshi.infrastructure.security.purposes import Purpose
from munshi.infrastructure.security.vault import Vault

_PURPOSE = "audit-fingerprint"
_BYTES = 8


def fingerprint(vault: Vault, config_type: str, config_key: str, secret: str) -> str:
    """A keyed hash of the secret in its place, behind the id of the key that made it.

    Two equal secrets of one setting have equal fingerprints as long as the key is the same. It is
    keyed because a short secret could otherwise be found by trying; whoever has the audit trail
    and not the vault's key learns nothing, not even that two settings hold the same secret.
    """
    parts = (config_type.encode(), config_key.encode(), secret.encode())
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    mac = vault.mac(message, purpose=_PURPOSE)[:_BYTES]
    return f"{vault.sealing_key(Purpose.TICKETS)}:{mac.hex()}"
