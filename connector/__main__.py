"""Where the process begins: signals are handled before anything slow is imported."""

import gc
import sys

from connector.daemon.early_signals import end_on_signals


def main() -> None:
    end_on_signals(sys.argv[1:])
    gc.disable()  # imports make many objects and hardly any garbage; the command enables it before its work
    from connector.cli.main import main as command  # noqa: PLC0415  slow

    command()


if __name__ == "__main__":
    main()
