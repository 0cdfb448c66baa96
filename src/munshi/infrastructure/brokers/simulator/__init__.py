"""Both brokers' wire protocols, spoken by one process on loopback with made-up accounts."""
