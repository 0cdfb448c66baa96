"""How a handler is ended from inside, none of it an Exception that `except Exception` swallows."""

from munshi.domain.enums import Service


class JobStopped(BaseException):
    """Ends a handler from inside."""


class JobCancelled(JobStopped):
    """Somebody asked for the job to be cancelled."""


class JobTimedOut(JobStopped):
    """The job is alive, but slower than its type may be."""


class JobFenced(JobStopped):
    """The lease was lost: the job belongs to another attempt now."""


class JobPaused(JobStopped):
    """The job waits for a person to log in."""

    def __init__(self, service: Service, link: str) -> None:
        super().__init__(service, link)
        self.service = service
        self.link = link
