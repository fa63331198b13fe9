"""The command line: `python -m rockon_sync`."""

import signal
import sys

from ._core import command_line


def main() -> int:
    """Runs the command with the arguments of this process. Returns its exit code."""
    # Ctrl-C ends the process at once, like the command itself. The store survives that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return command_line(["rockon-sync", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
