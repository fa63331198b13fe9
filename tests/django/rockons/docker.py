"""The Docker service, as far as this example needs it."""

import subprocess


def is_running() -> bool:
    """Returns true if Docker runs. Without it, the installed rock-ons are unknown."""
    command = ["systemctl", "is-active", "--quiet", "docker"]
    return subprocess.run(command, check=False).returncode == 0
