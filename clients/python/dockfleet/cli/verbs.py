"""The commands of the program, by section; nothing is imported for the list."""

from __future__ import annotations

from dockfleet.cli.group import Verb

FLEET = {
    "hosts": Verb("hosts:hosts", "List the hosts and their states; add, change, remove and drain hosts."),
    "ps": Verb("containers:ps", "List the containers of many hosts."),
    "find": Verb("containers:find", "Find containers in the fleet, running or not."),
    "discover": Verb("copies:discover", "Find where services can be reached."),
    "copy-image": Verb("copies:copy_image", "Copy an image from one host to others, without a registry."),
    "logs": Verb("logs:logs", "Print the logs of containers."),
    "stats": Verb("stats:stats", "Show the resource usage of running containers."),
    "events": Verb("events:events", "Print the events of many hosts as they happen."),
}
CONTAINERS = {
    "run": Verb("run:run", "Run a command in a new container."),
    "create": Verb("changes:create", "Create a container, and do not start it."),
    "exec": Verb("exec:exec", "Run a command in a container."),
    "attach": Verb("changes:attach", "Attach the terminal to a container that runs."),
    "start": Verb("lifecycle:start", "Start containers."),
    "stop": Verb("lifecycle:stop", "Stop containers."),
    "restart": Verb("lifecycle:restart", "Restart containers."),
    "kill": Verb("lifecycle:kill", "Kill containers, or send them a signal."),
    "pause": Verb("lifecycle:pause", "Suspend the processes of containers."),
    "unpause": Verb("lifecycle:unpause", "Let the processes of paused containers run again."),
    "rm": Verb("lifecycle:rm", "Remove containers."),
    "wait": Verb("inspection:wait", "Wait until containers have ended, and print their exit codes."),
    "inspect": Verb("inspection:inspect", "Print everything that is known of containers, images, networks or volumes."),
    "top": Verb("inspection:top", "Show the processes of a container."),
    "port": Verb("inspection:port", "Show where the ports of a container are published."),
    "diff": Verb("inspection:diff", "Show the files of a container that were changed (C), added (A) or deleted (D)."),
    "cp": Verb("copying:cp", "Copy files between a container and this machine."),
    "export": Verb("copying:export", "Write the file system of a container as a tar."),
    "commit": Verb("changes:commit", "Create an image from the present state of a container."),
    "rename": Verb("changes:rename", "Give a container another name."),
    "update": Verb("changes:update", "Change the resources or the restart policy of containers."),
}
OTHER = {
    "completion": Verb("completion:completion", "Print the completion script of a shell."),
    "profiles": Verb("profiles:profiles", "List the profiles: the gateways that --profile can choose."),
    "version": Verb("version:version", "Print the versions of this client and of the engines."),
}

SECTIONS = {"Fleet": FLEET, "Containers": CONTAINERS, "Other": OTHER}
