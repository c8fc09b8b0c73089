"""The testee of the command line: it runs `dockfleet`, and prints what that prints in the form of a testee."""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

WRONG_SETTINGS = 2
CANNOT = 3
INTERRUPTED = 130
PR_SET_PDEATHSIG = 1
NO_EXIT_CODE = "dockfleet: the exit code is not known"

Documents = Iterator[dict[str, Any]]


def say(*words: object) -> None:
    """Print a line at once."""
    print(*words, flush=True)


def end_with_parent() -> None:
    """Let a SIGKILL of the testee be one of the command line."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Dockfleet:
    """The command line, which runs until the end of the block."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dockfleet.cli", "--json-errors", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=end_with_parent,
        )
        self.failures: list[dict[str, Any]] = []
        self.messages: list[str] = []
        self._reading = threading.Thread(target=self._read_errors)
        self._reading.start()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for raw in self._process.stderr:
            line = raw.decode(errors="replace").rstrip("\n")
            print(line, file=sys.stderr, flush=True)
            if line.startswith('{"error":'):
                self.failures.append(json.loads(line)["error"])
            else:
                self.messages.append(line)

    @property
    def output(self) -> Any:
        """Its standard output, as bytes."""
        return self._process.stdout

    def documents(self) -> Documents:
        """Yield what it prints: one JSON object in each line."""
        return map(json.loads, self.output)

    def end(self) -> int:
        """Wait for its end; return its exit code."""
        code = self._process.wait()
        self._reading.join()
        return code

    def interrupt(self) -> None:
        """Send Ctrl-C, and wait for its end."""
        self._process.send_signal(signal.SIGINT)
        if (code := self.end()) != INTERRUPTED:
            raise SystemExit(f"Ctrl-C ended it with {code}")

    def result(self, missing: int = 0) -> int:
        """Wait for its end; print its failure, if there is one, and return the exit code of the testee.

        The command line reports records that are *missing* by its exit code too.
        """
        code = self.end()
        for failure in self.failures:
            print_failure(failure)
        if code == WRONG_SETTINGS and not self.failures:
            return WRONG_SETTINGS
        return 1 if self.failures or (code and not missing) else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self.end()


def print_failure(failure: dict[str, Any]) -> None:
    """Print a failed call."""
    safe = str(failure["retrySafe"]).lower()
    say("error", failure["code"], failure["reason"] or "-", failure["host"] or "-", safe)
    if resource := failure["resource"]:
        say("resource", resource["type"], resource["name"])
    for violation in failure["violations"]:
        say("violation", violation["field"])
    if failure["retryAfterSeconds"] is not None:
        say("retry-after", int(failure["retryAfterSeconds"]))


def bare(value: object, prefix: str) -> str:
    """Return the value of an enum without its prefix."""
    return str(value).removeprefix(prefix)


def count(text: str) -> float:
    """Return after how many lines a command ends."""
    return int(text) or float("inf")


def hosts() -> int:
    """Print the hosts."""
    with Dockfleet("hosts", "--json") as run:
        for host in run.documents():
            say("host", host["name"], bare(host["state"], "HOST_STATE_"))
        return run.result()


def print_container(found: dict[str, Any]) -> None:
    """Print a container."""
    say("container", found["host"], found["Names"][0].lstrip("/"), found["State"], found.get("SizeRw", 0))


def ps() -> int:
    """Print the containers of all hosts."""
    with Dockfleet("ps", "-a", "--json") as run:
        for found in run.documents():
            print_container(found)
        return run.result()


def logs(host: str, container: str, lines: str) -> int:
    """Follow a log."""
    left, gaps = count(lines), 0
    with Dockfleet("logs", "-f", "--json", f"{host}/{container}") as run:
        for record in run.documents():
            for entry in record.get("batch", {}).get("entries", ()):
                say("line", bare(entry["stream"], "STANDARD_STREAM_").lower(), entry["text"])
                left -= 1
                if not left:
                    run.interrupt()
                    return 0
            if gap := record.get("gap"):
                gaps += 1
                say("gap", bare(gap["reason"], "GAP_REASON_"), gap.get("count", 0))
            if end := record.get("end"):
                say("end", bare(end["reason"], "LOG_END_REASON_"), end.get("exitCode", "unknown"))
        return run.result(gaps)


def events(host: str, number: str) -> int:
    """Follow the events of a host."""
    left = count(number)
    with Dockfleet("events", "--json", "-H", host) as run:
        for record in run.documents():
            if gap := record.get("gap"):
                say("gap", bare(gap["reason"], "GAP_REASON_"), gap.get("count", 0))
            elif event := record.get("event"):
                say("event", event["Type"], event["Action"], event["Actor"]["ID"])
                left -= 1
                if not left:
                    run.interrupt()
                    return 0
        return run.result()


def stats(host: str, container: str, number: str) -> int:
    """Follow the stats of a container."""
    left = count(number)
    with Dockfleet("stats", "--json", f"{host}/{container}") as run:
        for record in run.documents():
            if "notRunning" in record:
                say("not-running")
            elif sample := record.get("stats"):
                say("stats", sample["summary"]["memoryBytes"])
                left -= 1
                if not left:
                    run.interrupt()
                    return 0
        return run.result()


def session(run: Dockfleet) -> int:
    """Print the output of a command, and how it ended."""
    output = run.output.read().decode(errors="replace")
    code = run.end()
    for line in output.splitlines():
        say("stdout", line)
    if run.failures:
        return run.result()
    known = [line for line in run.messages if not line.startswith(NO_EXIT_CODE)]
    for line in known:
        say("stderr", line)
    say("exit", code if known == run.messages else "unknown")
    return 0


def exec(host: str, container: str, *command: str) -> int:
    """Run a command with the input of the testee."""
    with Dockfleet("exec", "-i", f"{host}/{container}", *command) as run:
        return session(run)


def new_container(host: str, image: str, *command: str) -> int:
    """Run a new container."""
    with Dockfleet("run", "-q", "--rm", "-H", host, image, *command) as run:
        return session(run)


def pull(host: str, image: str) -> int:
    """Pull an image."""
    with Dockfleet("pull", "-H", host, image) as run:
        code = run.end()
        for line in run.messages:
            say("progress", line)
        if not code:
            say("done")
        return run.result()


def upload(host: str, container: str, path: str) -> int:
    """Copy the tar on standard input."""
    with Dockfleet("cp", "-q", "-", f"{host}/{container}:{path}") as run:
        if not run.end():
            say("done")
        return run.result()


def download(host: str, container: str, path: str) -> int:
    """Copy a tar to standard output."""
    with Dockfleet("cp", f"{host}/{container}:{path}", "-") as run:
        size = len(run.output.read())
        if not run.end():
            say("downloaded", size)
        return run.result()


def error(host: str, container: str) -> int:
    """Inspect a container."""
    with Dockfleet("container", "inspect", f"{host}/{container}") as run:
        for found in json.loads(run.output.read() or "[]"):
            say("container", found["Name"].lstrip("/"))
        return run.result()


def deadline(host: str, container: str, seconds: str) -> int:
    """Wait for a container."""
    with Dockfleet("--deadline", seconds, "wait", f"{host}/{container}") as run:
        for line in run.output:
            say("exit", line.decode().strip())
        return run.result()


def cancel(host: str, container: str, *command: str) -> int:
    """Interrupt a log or a command; then print the hosts."""
    words = ("exec", f"{host}/{container}", *command) if command else ("logs", "-f", "--json", f"{host}/{container}")
    with Dockfleet(*words) as run:
        line = run.output.readline().decode().rstrip("\n")
        say(*("stdout", line) if command else ("line stdout", json.loads(line)["batch"]["entries"][0]["text"]))
        run.interrupt()
    say("cancelled")
    return hosts()


def find(name: str) -> int:
    """Find containers; hosts that fail are no failure of the call."""
    with Dockfleet("find", name, "--json") as run:
        for found in run.documents():
            print_container(found)
        run.end()
        for failure in run.failures:
            say("failure", failure["host"], failure["reason"])
        return 0


def follow(label: str, lines: str) -> int:
    """Follow merged logs."""
    left = count(lines)
    with Dockfleet("logs", "-f", "--json", "-l", label) as run:
        for record in run.documents():
            for entry in record.get("batch", {}).get("entries", ()):
                stream = bare(entry["stream"], "STANDARD_STREAM_").lower()
                say("line", record["host"], record["containerName"], stream, entry["text"])
                left -= 1
                if not left:
                    run.interrupt()
                    return 0
        return run.result()


def restart(label: str) -> int:
    """Restart containers; those that fail are no failure of the call."""
    with Dockfleet("restart", "-l", label, "--yes") as run:
        done = [line.decode().strip() for line in run.output]
        run.end()
        failed = [(each["text"].partition(":")[0], each["reason"]) for each in run.failures]
        skipped = [line.split()[1] for line in run.messages if " was skipped: " in line]
        for name, result in (*((each, "ok") for each in done), *failed, *((each, "skipped") for each in skipped)):
            say("result", name.replace("/", " "), result)
        say("summary", len(done), len(failed), len(skipped))
        return 0


COMMANDS: dict[str, Callable[..., int]] = {
    **{each.__name__: each for each in (hosts, ps, logs, events, stats, exec, pull, upload, download, error)},
    **{each.__name__: each for each in (deadline, cancel, find, follow, restart)},
    "run": new_container,
}

if __name__ == "__main__":
    command = COMMANDS.get(sys.argv[1])
    sys.exit(command(*sys.argv[2:]) if command else CANNOT)
