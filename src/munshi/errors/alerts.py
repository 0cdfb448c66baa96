"""Health and alerts."""

from munshi.errors.base import AppError


class HealthComponentUnknownError(AppError):
    """No component of that name is watched."""

    status = 404


class AlertUnknownError(AppError):
    """No such open alert."""

    status = 404


class AlertChannelUnknownError(AppError):
    """No such channel for alerts."""

    status = 404


class AlertChannelExistsError(AppError):
    """A channel for alerts of this name exists."""

    status = 409


class AlertChannelInvalidError(AppError):
    """The address of a channel for alerts does not fit."""

    status = 422


class AlertSilenceUnknownError(AppError):
    """No such silence in force."""

    status = 404


class AlertSilenceInvalidError(AppError):
    """A silence needs a pattern, a reason and an end to come."""

    status = 422


class AlertDeliveryFailedError(AppError):
    """A message was not taken by its channel."""

    status = 502
