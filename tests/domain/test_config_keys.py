"""Declared keys: what fits, what is refused in one sentence, and where names are looked up."""

from typing import Any

import pytest

from munshi.domain.config_keys import DECLARED, TYPES, find_key, keys_of_type, seeded_keys
from munshi.domain.config_values import value_from_text
from munshi.errors import ConfigKeyUnknownError, ConfigTypeUnknownError, ConfigValueInvalidError

LOGIN = {
    "job_type": "auto_login",
    "parameters": {"service": "kite"},
    "times": ["06:15", "07:35"],
    "weekdays_only": True,
    "enabled": True,
}
YEAR = {
    "year": 2027,
    "holidays": [{"date": "2027-01-26", "name": "Republic Day", "source": "circular"}],
    "special_sessions": [],
}


def without(document: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != key}


@pytest.mark.parametrize(
    ("config_type", "key", "value"),
    [
        ("auth", "kite.api_key", "abc"),
        ("auth", "breeze.headless", True),
        ("jobs", "keep_days", 1),
        ("jobs", "keep_days", 3650),
        ("scheduler", "schedule.kite_login", LOGIN),
        ("scheduler", "schedule.evening_data", LOGIN | {"parameters": {"of": ["NIFTY"], "n": 3}}),
        ("api", "limit.kite.quote", {"requests": 1, "seconds": 2}),
        ("api", "limit.breeze.api", {"requests": 50, "seconds": 60, "daily": 2500}),
        ("alerts", "alert.login_needed", {"enabled": False}),
        ("alerts", "alert.login_needed", {"severity": "critical"}),
        ("market", "calendar.2027", YEAR),
    ],
)
def test_a_fitting_value_is_accepted(config_type: str, key: str, value: object) -> None:
    find_key(config_type, key).check(key, value)


@pytest.mark.parametrize(
    ("config_type", "key", "value", "sentence"),
    [
        ("auth", "kite.headless", "True", "kite.headless must be true or false, not text."),
        ("auth", "kite.headless", 1, "must be true or false, not a number."),
        ("auth", "kite.api_key", 5, "must be text, not a number."),
        ("auth", "kite.api_key", "  ", "must not be empty."),
        ("auth", "kite.api_key", "x" * 201, "must have at most 200 characters."),
        ("jobs", "keep_days", True, "must be a whole number, not true or false."),
        ("jobs", "keep_days", 7.5, "must be a whole number, not a fraction."),
        ("jobs", "keep_days", "7", "must be a whole number, not text."),
        ("jobs", "keep_days", 0, "must be from 1 to 3650, not 0."),
        ("jobs", "keep_days", 3651, "must be from 1 to 3650, not 3651."),
        ("scheduler", "schedule.x", [], "must be an object with job_type, parameters, enabled"),
        ("scheduler", "schedule.x", without(LOGIN, "times"), "schedule.x lacks times."),
        ("scheduler", "schedule.x", LOGIN | {"hour": 6}, "has no field 'hour', only job_type"),
        ("scheduler", "schedule.x", LOGIN | {"enabled": "yes"}, "x.enabled must be true or false"),
        ("scheduler", "schedule.x", LOGIN | {"times": []}, 'must be a list of times like ["06:15"'),
        ("scheduler", "schedule.x", LOGIN | {"times": ["24:00"]}, "has '24:00', which is not"),
        ("scheduler", "schedule.x", LOGIN | {"times": ["6:15"]}, "has '6:15', which is not"),
        ("scheduler", "schedule.x", LOGIN | {"times": ["08:00", "07:00"]}, "once, in order."),
        ("scheduler", "schedule.x", LOGIN | {"times": ["08:00", "08:00"]}, "once, in order."),
        ("scheduler", "schedule.x", LOGIN | {"parameters": {"a": 0.5}}, "parameters.a must be"),
        ("scheduler", "schedule.x", LOGIN | {"parameters": [1]}, "must be an object, not a list."),
        ("api", "limit.kite.quote", {"requests": 1}, "lacks seconds."),
        ("api", "limit.kite.quote", {"requests": 0, "seconds": 1}, "requests must be from 1"),
        ("alerts", "alert.x", {"severity": "loud"}, "must be one of info, warning, critical."),
        ("market", "calendar.2027", YEAR | {"holidays": []}, "lists no holiday"),
        ("market", "calendar.2028", YEAR, "holds the calendar of 2027."),
        ("market", "calendar.2027", "2027", "must be an object with year"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_one_sentence(
    config_type: str, key: str, value: object, sentence: str
) -> None:
    with pytest.raises(ConfigValueInvalidError) as refusal:
        find_key(config_type, key).check(key, value)

    assert sentence in refusal.value.detail
    assert refusal.value.detail.startswith(f"{config_type}/{key}")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("config_type", "key", "nearest"),
    [
        ("auth", "kite.api_keys", "kite.api_key"),
        ("auth", "kite.secret", "kite.api_secret"),
        ("jobs", "keepdays", "keep_days"),
        ("scheduler", "schedule.", "schedule.<name>"),
        ("scheduler", "schedule.Kite Login", "schedule.kite_login"),
        ("api", "limit.kite.qoute", "limit.kite.quote"),
        ("market", "calendar.27", "calendar.<year>"),
    ],
)
def test_an_unknown_key_names_the_nearest(config_type: str, key: str, nearest: str) -> None:
    with pytest.raises(ConfigKeyUnknownError) as refusal:
        find_key(config_type, key)

    assert nearest in str(refusal.value)


def test_an_unknown_type_lists_the_types() -> None:
    with pytest.raises(ConfigTypeUnknownError, match="scheduler, trading, auth, api"):
        find_key("telegram", "token")


def test_an_exact_key_is_found_before_its_family() -> None:
    assert find_key("scheduler", "schedule.kite_login").is_seeded
    assert not find_key("scheduler", "schedule.other_login").is_seeded


def test_every_default_fits_its_own_key() -> None:
    for key in DECLARED:
        if key.default is not None:
            key.check(key.name, key.default)


def test_keys_are_declared_once_under_a_known_type_and_say_what_they_are_for() -> None:
    names = [(key.config_type, key.name) for key in DECLARED]

    assert len(set(names)) == len(names)
    assert {config_type for config_type, _ in names} <= set(TYPES)
    assert all(key.description.endswith(".") for key in DECLARED)


def test_secrets_of_both_brokers_are_secret_and_names_are_not() -> None:
    secrets = {key.name for key in keys_of_type("auth") if key.is_secret}

    assert secrets == {
        f"{broker}.{name}"
        for broker in ("kite", "breeze")
        for name in ("api_secret", "password", "totp_seed")
    }


def test_kite_logs_in_after_its_tokens_die_at_six() -> None:
    seeds = {key.name: key for key in seeded_keys()}

    kite, breeze = (
        seeds[f"schedule.{name}_login"].default["trigger"] for name in ("kite", "breeze")
    )
    assert kite["times"] == ["06:15", "07:35"]
    assert breeze["times"] == ["05:30", "08:30"]
    assert "06:00" in seeds["schedule.kite_login"].description


@pytest.mark.parametrize(
    ("config_type", "key", "text", "value"),
    [
        ("auth", "kite.api_key", "123", "123"),
        ("auth", "kite.headless", "true", True),
        ("jobs", "keep_days", "30", 30),
        ("api", "limit.kite.quote", '{"requests": 1, "seconds": 2}', {"requests": 1, "seconds": 2}),
    ],
)
def test_typed_text_becomes_the_value(config_type: str, key: str, text: str, value: object) -> None:
    assert value_from_text(find_key(config_type, key).shape, text) == value


@pytest.mark.parametrize("text", ["True", "yes", "1"])
def test_typed_text_that_does_not_fit_is_refused_by_the_shape_itself(text: str) -> None:
    key = find_key("auth", "kite.headless")

    with pytest.raises(ConfigValueInvalidError, match="must be true or false"):
        key.check("kite.headless", value_from_text(key.shape, text))
