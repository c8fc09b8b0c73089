"""Everyday scripts, with docker-py and with dockfleet: each pair returns the same.  Types are checked.

`image` is a busybox, `label` is `key=value` and marks all that a script makes, and `folder` is an empty directory.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import docker
import docker.errors
from dockfleet import ContainerFailed, HostView, NotFound, forms


def marked(label: str) -> dict[str, str]:
    """Return *label* as labels."""
    key, _, value = label.partition("=")
    return {key: value}


def names_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    client.containers.create(image, name=f"{label[-8:]}-names", labels=marked(label))
    return [c.name for c in client.containers.list(all=True, filters={"label": label})]


def names_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    host.containers.create(image, name=f"{label[-8:]}-names", labels=marked(label))
    return [c.names[0][1:] for c in host.containers.list(all=True, filters={"label": label})]


def output_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    return client.containers.run(image, "echo hi", network_mode="none", remove=True)


def output_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    return host.run(image, "echo hi", network="none", remove=True).stdout


def failure_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    try:
        client.containers.run(image, ["sh", "-c", "echo bad >&2; exit 3"], network_mode="none", labels=marked(label))
    except docker.errors.ContainerError as error:
        return error.exit_status, error.stderr
    return None


def failure_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    try:
        host.run(image, ["sh", "-c", "echo bad >&2; exit 3"], network="none", labels=marked(label))
    except ContainerFailed as error:
        return error.result.exit_code, error.result.stderr
    return None


def detached_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    container = client.containers.run(image, "echo hi", detach=True, network_mode="none", labels=marked(label))
    code = container.wait()["StatusCode"]
    return code, container.logs().splitlines()


def detached_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    container = host.run(image, "echo hi", detach=True, network="none", labels=marked(label))
    code = host.containers.wait(container.id).exit_code
    return code, [entry.data for entry in host.logs(container.id)]


def exec_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    container = client.containers.run(image, "sleep 600", detach=True, network_mode="none", labels=marked(label))
    result = container.exec_run(["sh", "-c", "echo $A; exit 4"], environment={"A": "b"})
    return result.exit_code, result.output


def exec_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    container = host.run(image, "sleep 600", detach=True, network="none", labels=marked(label))
    result = host.execute(container.id, ["sh", "-c", "echo $A; exit 4"], env={"A": "b"})
    return result.exit_code, result.stdout


def copied_in_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    (folder / "app.conf").write_text("x")
    container = client.containers.create(image, labels=marked(label))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder / "app.conf", "app.conf")
    container.put_archive("/etc", buffer.getvalue())
    return (container.get_archive("/etc/app.conf")[1] or {})["size"]


def copied_in_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    (folder / "app.conf").write_text("x")
    container = host.containers.create(image, labels=marked(label))
    host.copy_to(container.id, folder / "app.conf", "/etc")
    return host.containers.stat_archive(container.id, "/etc/app.conf").size


def copied_out_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    container = client.containers.create(image, labels=marked(label), hostname="x")
    pieces, _ = container.get_archive("/bin/busybox")
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        tar.extractall(folder, filter="data")
    return (folder / "busybox").stat().st_size


def copied_out_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    container = host.containers.create(image, labels=marked(label), hostname="x")
    host.copy_from(container.id, "/bin/busybox", folder)
    return (folder / "busybox").stat().st_size


def built_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    (folder / "Dockerfile").write_text(f"FROM {image}\nARG V\nCOPY . /app\nENV V=$V\n")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / "a.log").write_text("left out")
    built, _ = client.images.build(path=str(folder), buildargs={"V": "2"}, labels=marked(label), rm=True)
    return "V=2" in built.attrs["Config"]["Env"], built.labels


def built_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    (folder / "Dockerfile").write_text(f"FROM {image}\nARG V\nCOPY . /app\nENV V=$V\n")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / "a.log").write_text("left out")
    built = host.images.get(host.build(folder, buildargs={"V": "2"}, labels=marked(label)).id)
    return "V=2" in built.config.env, dict(built.config.labels)


def settings_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    container = client.containers.create(
        image, environment={"A": "1"}, ports={"80/tcp": 8080}, volumes={"/tmp": {"bind": "/srv", "mode": "ro"}},
        labels=marked(label), read_only=True, mem_limit="64m", cpu_shares=512,
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 3},
    )  # fmt: skip
    attrs = container.attrs
    config = attrs["HostConfig"]
    ports = [[each["HostPort"] for each in config["PortBindings"]["80/tcp"]]]
    return attrs["Config"]["Env"][0], config["Memory"], config["Binds"], ports, config["RestartPolicy"]["Name"]


def settings_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    container = host.containers.create(
        image, environment={"A": "1"}, ports={"80/tcp": 8080}, volumes={"/tmp": {"bind": "/srv", "mode": "ro"}},
        labels=marked(label), read_only=True, mem_limit="64m", cpu_shares=512,
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 3},
    )  # fmt: skip
    got = host.containers.get(container.id)
    config = got.host_config
    ports = [[each.host_port for each in config.port_bindings["80/tcp"].items]]
    return got.config.env[0], config.memory_bytes, list(config.binds), ports, config.restart_policy.name


def restarted_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    for _ in range(2):
        client.containers.run(image, "sleep 600", detach=True, network_mode="none", labels=marked(label), init=True)
    for container in client.containers.list(filters={"label": label}):
        container.restart(timeout=0)
    return [container.status for container in client.containers.list(filters={"label": label})]


def restarted_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    for _ in range(2):
        host.run(image, "sleep 600", detach=True, network="none", labels=marked(label), init=True)
    for container in host.containers.list(filters={"label": label}):
        host.containers.restart(container.id, timeout=0)
    return [container.state for container in host.containers.list(filters={"label": label})]


def missing_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    try:
        client.containers.get("dockfleet-nope")
    except docker.errors.NotFound as error:
        return error.status_code
    return None


def missing_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    try:
        host.containers.get("dockfleet-nope")
    except NotFound as error:
        return error.engine_status
    return None


def usage_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    container = client.containers.run(image, "sleep 600", detach=True, network_mode="none", labels=marked(label))
    sample: Any = container.stats(stream=False)
    return sample["memory_stats"]["usage"] > 0


def usage_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    container = host.run(image, "sleep 600", detach=True, network="none", labels=marked(label))
    sample = next(host.stats(container.id, stream=False)).stats
    return sample.memory_stats.usage > 0


def volumes_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    volume = client.volumes.create(f"{label[-8:]}-data", labels=marked(label))
    client.containers.run(
        image, "touch /data/x", volumes={volume.name: {"bind": "/data", "mode": "rw"}}, network_mode="none", remove=True
    )
    found = client.containers.run(image, "ls /data", volumes=[f"{volume.name}:/data"], network_mode="none", remove=True)
    listed = [each.name for each in client.volumes.list(filters={"label": label})] == [volume.name]
    volume.remove()
    return found, listed


def volumes_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    volume = host.volumes.create(name=f"{label[-8:]}-data", labels=marked(label))
    host.run(
        image, "touch /data/x", volumes={volume.name: {"bind": "/data", "mode": "rw"}}, network="none", remove=True
    )
    found = host.run(image, "ls /data", volumes=[f"{volume.name}:/data"], network="none", remove=True).stdout
    listed = [each.name for each in host.volumes.list(filters={"label": label})] == [volume.name]
    host.volumes.remove(volume.name)
    return found, listed


def networks_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    network = client.networks.create(f"{label[-8:]}-net", internal=True, labels=marked(label))
    container = client.containers.create(image, "sleep 600", labels=marked(label))
    network.connect(container, aliases=["web"])
    container.reload()
    aliases = container.attrs["NetworkSettings"]["Networks"][network.name]["Aliases"]
    network.disconnect(container)
    network.remove()
    return "web" in aliases


def networks_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    network = host.networks.create(f"{label[-8:]}-net", internal=True, labels=marked(label))
    container = host.containers.create(image, "sleep 600", labels=marked(label))
    host.networks.connect(network.id, container.id, endpoint_config={"aliases": ["web"]})
    networks = host.containers.get(container.id).network_settings.networks
    aliases = networks[f"{label[-8:]}-net"].aliases
    host.networks.disconnect(network.id, container.id)
    host.networks.remove(network.id)
    return "web" in aliases


def saved_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    with (folder / "image.tar").open("wb") as file:
        for piece in client.images.get(image).save(named=True):
            file.write(piece)
    with (folder / "image.tar").open("rb") as file:
        return [each.tags for each in client.images.load(file)]


def saved_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    with (folder / "image.tar").open("wb") as file:
        for piece in host.images.save(image):
            file.write(piece)
    with (folder / "image.tar").open("rb") as file:
        return [[line.split()[-1]] for line in host.images.load(file).output.splitlines()]


def pruned_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    client.containers.create(image, labels=marked(label))
    return len(client.containers.prune(filters={"label": label})["ContainersDeleted"])


def pruned_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    host.containers.create(image, labels=marked(label))
    return len(host.containers.prune(filters={"label": label}).containers_deleted)


def exited_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    client.containers.run(image, "true", detach=True, network_mode="none", labels=marked(label)).wait()
    exited = client.containers.list(all=True, filters={"label": label, "status": "exited"})
    for container in exited:
        container.remove(v=True)
    return len(exited), client.containers.list(all=True, filters={"label": label})


def exited_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    host.containers.wait(host.run(image, "true", detach=True, network="none", labels=marked(label)).id)
    exited = host.containers.list(all=True, filters={"label": label, "status": "exited"})
    for container in exited:
        host.containers.remove(container.id, remove_volumes=True)
    return len(exited), host.containers.list(all=True, filters={"label": label})


def healthy_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    container = client.containers.run(
        image, "sleep 600", detach=True, network_mode="none", labels=marked(label), init=True,
        healthcheck={"test": ["CMD", "true"], "interval": 1_000_000_000},
    )  # fmt: skip
    for event in client.events(decode=True, since=0, filters={"container": container.id}):
        if event["Action"].startswith("health_status"):
            return event["Action"]
    return None


def healthy_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    container = host.run(
        image, "sleep 600", detach=True, network="none", labels=marked(label), init=True,
        healthcheck={"test": ["CMD", "true"], "interval": 1_000_000_000},
    )  # fmt: skip
    for response in host.events(since=0, filters={"container": container.id}):
        if response.event.action.startswith("health_status"):
            return response.event.action
    return None


def backup_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    volume = client.volumes.create(f"{label[-8:]}-backup", labels=marked(label))
    mounted = {volume.name: {"bind": "/data", "mode": "rw"}}
    client.containers.run(image, "sh -c 'echo x > /data/a'", volumes=mounted, network_mode="none", remove=True)
    saver = client.containers.create(image, volumes=mounted, labels=marked(label))
    with (folder / "backup.tar").open("wb") as file:
        for piece in saver.get_archive("/data/.")[0]:
            file.write(piece)
    saver.remove()
    volume.remove()
    with tarfile.open(folder / "backup.tar") as tar:
        return tar.getnames()


def backup_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    volume = host.volumes.create(f"{label[-8:]}-backup", labels=marked(label))
    mounted: forms.Binds = {volume.name: {"bind": "/data", "mode": "rw"}}
    host.run(image, "sh -c 'echo x > /data/a'", volumes=mounted, network="none", remove=True)
    saver = host.containers.create(image, volumes=mounted, labels=marked(label))
    with (folder / "backup.tar").open("wb") as file:
        for piece in host.containers.get_archive(saver.id, "/data/."):
            file.write(piece)
    host.containers.remove(saver.id)
    host.volumes.remove(volume.name)
    with tarfile.open(folder / "backup.tar") as tar:
        return tar.getnames()


def followed_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    script = "for i in 1 2 3; do echo line $i; done; echo bad >&2"
    container = client.containers.run(
        image, ["sh", "-c", script], detach=True, network_mode="none", labels=marked(label)
    )
    with (folder / "app.log").open("wb") as file:
        for piece in container.logs(stream=True, follow=True, stderr=False):
            file.write(piece)
    return (folder / "app.log").read_bytes()


def followed_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    command = ["sh", "-c", "for i in 1 2 3; do echo line $i; done; echo bad >&2"]
    container = host.run(image, command, detach=True, network="none", labels=marked(label))
    with (folder / "app.log").open("wb") as file:
        for line in host.logs(container.id, follow=True, stderr=False):
            file.write(line.data + b"\n")
    return (folder / "app.log").read_bytes()


def piped_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    container = client.containers.run(
        image, "sleep 600", detach=True, network_mode="none", labels=marked(label), init=True
    )
    made = client.api.exec_create(container.id, ["wc", "-c"], stdin=True)["Id"]
    socket: Any = client.api.exec_start(made, socket=True)
    socket._sock.sendall(b"x" * 1000)
    socket._sock.shutdown(1)
    output = socket.read()[8:]
    socket._sock.close()
    socket.close()
    return output, client.api.exec_inspect(made)["ExitCode"]


def piped_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    container = host.run(image, "sleep 600", detach=True, network="none", labels=marked(label), init=True)
    result = host.execute(container.id, ["wc", "-c"], stdin=b"x" * 1000)
    return result.stdout, result.exit_code


def ports_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    client.containers.create(
        image, name=f"{label[-8:]}-port", ports={"80/tcp": ("127.0.0.1", 8081)}, labels=marked(label)
    )
    for container in client.containers.list(all=True, filters={"label": label}):
        for port, bindings in container.attrs["HostConfig"]["PortBindings"].items():
            for binding in bindings:
                if binding["HostPort"] == "8081":
                    return container.name, port
    return None


def ports_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    host.containers.create(
        image, name=f"{label[-8:]}-port", ports={"80/tcp": ("127.0.0.1", 8081)}, labels=marked(label)
    )
    for each in host.containers.list(all=True, filters={"label": label}):
        for port, bindings in host.containers.get(each.id).host_config.port_bindings.items():
            for binding in bindings.items:
                if binding.host_port == "8081":
                    return each.names[0][1:], port
    return None


def sizes_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    images = sorted(client.images.list(image.split(":")[0]), key=lambda each: each.attrs["Size"])
    return [(each.tags, each.short_id, each.attrs["Size"]) for each in images]


def sizes_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    images = sorted(host.images.list(filters={"reference": image.split(":")[0]}), key=lambda each: each.size_bytes)
    return [(list(each.repo_tags), each.id[:19], each.size_bytes) for each in images]


def dockerfile_docker(client: docker.DockerClient, image: str, label: str, folder: Path) -> object:
    dockerfile = io.BytesIO(f"FROM {image}\nRUN echo hi > /hello\nCMD cat /hello".encode())
    built, _ = client.images.build(fileobj=dockerfile, tag=f"{label[-8:]}:1", labels=marked(label), rm=True)
    output = client.containers.run(str(built.id), network_mode="none", remove=True)
    client.images.remove(f"{label[-8:]}:1")
    return output


def dockerfile_ours(host: HostView, image: str, label: str, folder: Path) -> object:
    dockerfile = io.BytesIO(f"FROM {image}\nRUN echo hi > /hello\nCMD cat /hello".encode())
    built = host.build(fileobj=dockerfile, tag=f"{label[-8:]}:1", labels=marked(label), rm=True)
    output = host.run(built.id, network="none", remove=True).stdout
    host.images.remove(f"{label[-8:]}:1")
    return output
