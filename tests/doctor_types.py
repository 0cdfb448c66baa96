"""The words of the doctor's tests."""

from collections.abc import Callable, Mapping

from munshi.doctor.diagnosis import Diagnosis

Findings = Mapping[str, Diagnosis]
Doctor = Callable[..., Findings]
