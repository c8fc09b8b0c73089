"""The commands of the program, by section; nothing is imported for the list."""

from __future__ import annotations

from dockfleet.cli.group import Verb

SECTIONS = {
    "Fleet": {
        "hosts": Verb(
            "hosts:hosts", "List the hosts of the gateway and their states; add, change, remove and drain hosts."
        ),
        "ps": Verb("containers:ps", "List the containers of many hosts."),
        "find": Verb("containers:find", "Find containers in the fleet, running or not."),
        "discover": Verb("copies:discover", "Find where services can be reached."),
        "copy-image": Verb("copies:copy_image", "Copy an image from one host to others, without a registry."),
        "logs": Verb("logs:logs", "Print the logs of containers."),
        "stats": Verb("stats:stats", "Show the resource usage of running containers."),
        "events": Verb("events:events", "Print the events of many hosts as they happen."),
    },
    "Containers": {
        "run": Verb("run:run", "Run a command in a new container."),
        "exec": Verb("exec:exec", "Run a command in a container."),
        "start": Verb("lifecycle:start", "Start containers."),
        "stop": Verb("lifecycle:stop", "Stop containers."),
        "restart": Verb("lifecycle:restart", "Restart containers."),
        "kill": Verb("lifecycle:kill", "Kill containers, or send them a signal."),
        "pause": Verb("lifecycle:pause", "Suspend the processes of containers."),
        "unpause": Verb("lifecycle:unpause", "Let the processes of paused containers run again."),
        "rm": Verb("lifecycle:rm", "Remove containers."),
    },
    "Other": {
        "completion": Verb("completion:completion", "Print the completion script of a shell."),
        "profiles": Verb("profiles:profiles", "List the profiles: the gateways that --profile can choose."),
        "version": Verb("version:version", "Print the versions of this client and of the engines."),
    },
}
