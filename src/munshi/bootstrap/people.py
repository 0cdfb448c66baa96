"""Wires what has to do with people."""

from dataclasses import dataclass

from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.security.passwords import PasswordHashing
from munshi.infrastructure.security.vault import Vault
from munshi.people.api_keys import ApiKeyService
from munshi.people.links import PasswordService
from munshi.people.preferences import Preferences
from munshi.people.second_factor import SecondFactorService
from munshi.people.sessions import SessionService
from munshi.people.sign_in import SignInService
from munshi.people.throttle import SignInThrottle
from munshi.people.users import UserService


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who may come in, and how. `close` ends the threads that hash passwords."""

    hashing: PasswordHashing
    users: UserService
    sign_ins: SignInService
    sessions: SessionService
    passwords: PasswordService
    second_factor: SecondFactorService
    api_keys: ApiKeyService

    def close(self) -> None:
        self.hashing.close()


def wire_people(database: Database, clock: Clock, *, vault: Vault, config: ConfigService) -> People:
    preferences = Preferences(config)
    hashing = PasswordHashing(preferences.hash_cost, at_once=preferences.hashes_at_once())
    sign_ins = SignInService(
        database,
        clock,
        hashing=hashing,
        throttle=SignInThrottle(database, clock, vault),
        preferences=preferences,
    )
    return People(
        hashing=hashing,
        users=UserService(database, clock, hashing=hashing, preferences=preferences),
        sign_ins=sign_ins,
        sessions=SessionService(database, clock),
        passwords=PasswordService(
            database, clock, hashing=hashing, sign_ins=sign_ins, preferences=preferences
        ),
        second_factor=SecondFactorService(database, clock),
        api_keys=ApiKeyService(database, clock),
    )
