"""JSON schemas of what the benchmark commands print; made by ``visiongen.benchmarks.result_schema``."""
