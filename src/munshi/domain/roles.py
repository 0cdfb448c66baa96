"""The roles of those who call, least first."""

from enum import IntEnum


class Role(IntEnum):
    """What a caller may do; each role may do all that the ones before it may."""

    PUBLIC = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As tables, messages and the API spell it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Role":
        """The role that is spelt `word`. Raises KeyError."""
        return cls[word.upper()]


USER_ROLES = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)
