"""What goes wrong in a command is one line on stderr; DEBUG adds where."""

import os
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from munshi.errors import AppError


class Complaining(TyperGroup):
    """A command line that ends with exit code 1 and one line instead of a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Raises SystemExit."""
        try:
            return super().main(*args, **kwargs)
        except KeyboardInterrupt:
            sys.exit(130)
        except Exception as error:  # noqa: BLE001 - whatever it is, a person has to read it
            if os.environ.get("MUNSHI_LOG_LEVEL") == "DEBUG":
                traceback.print_exc()
            typer.echo(f"munshi: {_one_line(error)}", err=True)
            sys.exit(1)


def _one_line(error: Exception) -> str:
    if isinstance(error, AppError):
        return " ".join(str(error).split())
    from munshi.infrastructure.causes import cause

    said = cause(error).rstrip(".")
    return f"something failed inside Munshi: {said}. MUNSHI_LOG_LEVEL=DEBUG shows where."
