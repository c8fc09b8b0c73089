"""The commands of the program, by section; nothing is imported for the list."""

from __future__ import annotations

from dockfleet.cli.group import Verb

FLEET = {
    "hosts": Verb("hosts:hosts", "List the hosts and their states; add, change, remove and drain hosts."),
    "ps": Verb("containers:ps", "List the containers of many hosts."),
    "find": Verb("containers:find", "Find containers in the fleet, running or not."),
    "discover": Verb("copies:discover", "Find the endpoints of services."),
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
    "unpause": Verb("lifecycle:unpause", "Resume the processes of paused containers."),
    "rm": Verb("lifecycle:rm", "Remove containers."),
    "wait": Verb("inspection:wait", "Wait until containers have ended, and print their exit codes."),
    "inspect": Verb("inspection:inspect", "Print all properties of containers, images, networks or volumes."),
    "top": Verb("inspection:top", "Show the processes of a container."),
    "port": Verb("inspection:port", "Show where the ports of a container are published."),
    "diff": Verb("inspection:diff", "Show the files of a container that were changed (C), added (A) or deleted (D)."),
    "cp": Verb("copying:cp", "Copy files between a container and this machine."),
    "export": Verb("copying:export", "Write the file system of a container as a tar."),
    "commit": Verb("changes:commit", "Create an image from the present state of a container."),
    "rename": Verb("changes:rename", "Give a container another name."),
    "update": Verb("changes:update", "Change the resources or the restart policy of containers."),
}
IMAGES = {
    "images": Verb("images:images", "List the images of many hosts."),
    "pull": Verb("image_changes:pull", "Pull an image on a host, or on several."),
    "push": Verb("image_changes:push", "Push an image to the registry that its name begins with."),
    "build": Verb("building:build", "Build an image from a Dockerfile and the files around it."),
    "tag": Verb("image_changes:tag", "Give an image another name, on a host or on several."),
    "rmi": Verb("image_changes:rmi", "Remove images from a host, or from several."),
    "save": Verb("image_changes:save", "Write images of a host as a tar, with their names."),
    "load": Verb("image_changes:load", "Load the images of a tar on a host, with their names."),
    "import": Verb("image_changes:import_image", "Create an image of one layer from the tar of a file system."),
    "history": Verb("images:history", "Show the steps that created an image, the latest first."),
    "search": Verb("images:search", "Search Docker Hub for images, from a host."),
    "login": Verb("logins:login", "Log in to a registry."),
    "logout": Verb("logins:logout", "Log out of a registry."),
}
GROUPS = {
    "container": Verb("groups:container", "Manage containers."),
    "image": Verb("groups:image", "Manage images."),
    "network": Verb("groups:network", "Manage networks."),
    "volume": Verb("groups:volume", "Manage volumes."),
    "system": Verb("groups:system", "Manage hosts as a whole."),
    "builder": Verb("groups:builder", "Manage builds."),
}
OTHER = {
    "info": Verb("system:info", "Show information about hosts and their engines."),
    "df": Verb("disk:df", "Show how much disk space hosts use."),
    "version": Verb("version:version", "Print the versions of this client and of the engines."),
    "profiles": Verb("profiles:profiles", "List the profiles: the gateways that --profile can choose."),
    "completion": Verb("completion:completion", "Print the completion script of a shell."),
}

SECTIONS = {"Fleet": FLEET, "Containers": CONTAINERS, "Images": IMAGES, "Groups": GROUPS, "Other": OTHER}
