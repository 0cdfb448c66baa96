"""Which account a service of the machine runs as, and whether it has a home to run in."""

from contextlib import suppress
from pathlib import Path

from munshi.errors import ServicePlanInvalidError
from munshi.infrastructure.platform import is_administrator, prepare_home


def account_for(home: Path, *, given: str | None, may_only_look: bool) -> str:
    """The account that was given, else the owner of the home folder.

    Raises ServicePlanInvalidError where only root may go on, or root itself would run it.
    """
    if not (may_only_look or is_administrator()):
        raise ServicePlanInvalidError(
            "Only root can install a service of the machine.",
            hint="Use sudo, leave --system away, or see the text with --print.",
        )
    if given is not None:
        if not given.replace("-", "").replace("_", "").isalnum() or not given.isascii():
            raise ServicePlanInvalidError(f"{given[:60]!r} is no name of an account.")
        return given
    owner = "root"
    with suppress(KeyError, NotImplementedError, OSError):  # a number without a name; Windows
        owner = home.owner()
    if owner == "root":
        raise ServicePlanInvalidError(
            f"It is not clear which account should run it: {home} is root's, or not there yet.",
            hint="Make an account (useradd --system --create-home munshi) and name it: "
            "--run-as munshi, with MUNSHI_HOME in a folder of its own.",
        )
    return owner


def require_home(home: Path, *, system: bool) -> None:
    """A service starts in the home folder, so that must be there before.

    Raises HomeUnusableError, ServicePlanInvalidError.
    """
    if not system:
        prepare_home(home)
    elif not home.is_dir():  # made here it would be root's
        raise ServicePlanInvalidError(
            f"The home folder {home} is not there yet.",
            hint="As the account that is to run it: munshi db upgrade",
        )
