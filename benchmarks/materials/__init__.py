"""The benchmark pbr-mix: whole PBR sets, which the runner's one task a benchmark does not hold."""
