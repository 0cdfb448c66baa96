"""What all errors are: something that Munshi can explain."""

import re
from typing import ClassVar


class AppError(Exception):
    """Something went wrong that Munshi can explain.

    A subclass is named `NounConditionError`; the first line of its docstring is the title that
    people read. `status` is the HTTP answer, `retryable` says whether the same request may
    succeed later, and `hint` names the command or the edit that mends it.
    """

    status: ClassVar[int] = 500
    retryable: bool = False

    def __init__(
        self, detail: str, *, hint: str | None = None, **extra: str | float | None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.extra = extra

    @classmethod
    def slug(cls) -> str:
        """`SessionConflictError` -> `session-conflict`, the stable end of the problem type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__.removesuffix("Error")).lower()

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or "").strip().splitlines()[0].rstrip(".")

    def __str__(self) -> str:
        return f"{self.detail} {self.hint}" if self.hint else self.detail
