"""The Docker service, as far as this example needs it."""

import subprocess


def is_running() -> bool:
    """Whether Docker runs: without it nobody knows what is installed."""
    command = ["systemctl", "is-active", "--quiet", "docker"]
    return subprocess.run(command, check=False).returncode == 0
