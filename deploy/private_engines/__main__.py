"""The command line of the private engines: `python -m deploy.private_engines`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.private_engines import commands, engine
from deploy.private_engines.provision import OPTIONS, EngineError, install

PROGRAM = "python -m deploy.private_engines"


def main() -> None:
    """Run the command that the arguments name."""
    summary, _, details = (engine.__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    command = subparsers.add_parser("install", help="install from Debian what engines need and is missing")
    command.add_argument("--with", dest="options", action="append", choices=OPTIONS, default=[], help="this as well")
    command.set_defaults(
        run=lambda options: print("installed:", *install(*options.options) or ["nothing, all is there"])
    )

    command = _command(subparsers, "up", commands.up.__doc__)
    command.add_argument("name", nargs="+", metavar="NAME", help="its hostname as well")
    command.add_argument("--tls", action="store_true", help="a port on 127.0.0.1 besides the socket, with TLS")
    command.add_argument(
        "--newer",
        type=Path,
        metavar="CACHE",
        help="Docker 26.1 of Debian trixie, from this directory",
    )
    command.set_defaults(
        run=lambda options: commands.up(options.dir.resolve(), options.name, tls=options.tls, newer=options.newer)
    )

    command = _command(subparsers, "down", commands.down.__doc__)
    command.add_argument("name", nargs="*", metavar="NAME", help="all, if none is given")
    command.set_defaults(run=lambda options: commands.down(options.dir.resolve(), options.name))

    command = _command(subparsers, "status", commands.status.__doc__)
    command.set_defaults(run=lambda options: commands.status(options.dir.resolve()))

    options = parser.parse_args()
    try:
        options.run(options)
    except EngineError as error:
        sys.exit(f"{PROGRAM}: {error}")


def _command(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help: str | None
) -> argparse.ArgumentParser:
    command = subparsers.add_parser(name, help=help, description=help)
    command.add_argument(
        "--dir", type=Path, required=True, metavar="STATE", help="directory with one below it for each engine"
    )
    return command


if __name__ == "__main__":
    main()
