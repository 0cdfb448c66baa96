"""What every test has: no way off this machine, and a real PostgreSQL when asked for."""

pytest_plugins = [
    "sockets",
    "postgres",
    "databases",
    "simulators",
    "raw_server",
    "broker_clients",
    "desks",
    "apis",
]
