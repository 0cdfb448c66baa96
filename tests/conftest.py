"""What every test has: no way off this machine, and a real PostgreSQL when asked for."""

from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("munshi", deadline=None)
settings.load_profile("munshi")

pytest_plugins = [
    "sockets",
    "postgres",
    "databases",
    "simulators",
    "raw_server",
    "broker_clients",
    "desks",
    "apis",
    "crowd",
    "command_line",
]
