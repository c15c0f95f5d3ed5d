"""Training runs as data: one TOML file a run, with its command, cost and expected score on top."""
