"""The command ``visiongen``: one file a command, what several share in ``common``."""
