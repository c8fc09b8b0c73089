"""Operations that need more than one RPC, or files of this machine.

Generated from `dockfleet.aio` by protos/generate_clients.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

from dockfleet import contexts
from dockfleet.calling import Service
from dockfleet.proceeding import proceed
from dockfleet.results import ImageResult
from dockfleet.v1.common_pb2 import AuthConfig, Progress

if TYPE_CHECKING:
    from dockfleet import dicts, forms


class ImageOperations(Service):
    """Operations on images that are more than one RPC."""

    def build(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        fileobj: BinaryIO | None = None,
        tag: forms.Selection | None = None,
        dockerfile: str | os.PathLike[str] | None = None,
        buildargs: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        target: str | None = None,
        platform: str | None = None,
        pull: bool | None = None,
        nocache: bool | None = None,
        rm: bool | None = True,
        forcerm: bool | None = None,
        cache_from: Sequence[str] | None = None,
        shmsize: int | str | None = None,
        squash: bool | None = None,
        network_mode: str | None = None,
        extra_hosts: forms.Addresses | None = None,
        registry_config: Mapping[str, AuthConfig | dicts.AuthConfigDict] | None = None,
        progress: Callable[[Progress], object] | None = None,
        deadline: float | None = None,
    ) -> ImageResult:
        """Build an image from the directory *path*, without what its .dockerignore names, or from *fileobj*.

        The arguments are docker-py's.  `build_archive` takes a tar, or a Dockerfile elsewhere, and has all fields of
        the contract.  It is the Engine's own builder, not BuildKit.  A step that fails raises `OperationFailed`.

        Arguments:

        - *fileobj*: a Dockerfile, open in binary mode, in place of a directory;
        - *tag*: a name of the image, or several;
        - *dockerfile*: the Dockerfile, also outside of *path*; without it, `Dockerfile` in *path*;
        - *buildargs*: variables of the build;
        - *labels*: labels of the image;
        - *target*: the stage to build up to;
        - *platform*: the platform to build for;
        - *pull*: pull the base images, also when they are there;
        - *nocache*: take nothing from the cache;
        - *rm*: remove the containers of the steps;
        - *forcerm*: remove them also when a step fails;
        - *cache_from*: images whose layers may serve as the cache;
        - *shmsize*: the size of /dev/shm in the steps, in bytes;
        - *squash*: join the new layers into one, where the engine has its experimental features on;
        - *network_mode*: the network of the steps;
        - *extra_hosts*: lines of /etc/hosts in the steps;
        - *registry_config*: credentials for the base images, by registry;
        - *progress*: is called with each report of progress;
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold.

        Raises `OSError` when there is no such directory or Dockerfile.
        """
        name, tar = contexts.source(path, dockerfile, fileobj)
        tags = [tag] if isinstance(tag, str) else tag
        call = self.rpc("BuildImage")(
            tar,
            dockerfile=name,
            tags=tags,
            build_args=buildargs,
            labels=labels,
            target=target,
            platform=platform,
            pull=pull,
            no_cache=nocache,
            remove_intermediate=rm,
            force_remove_intermediate=forcerm,
            cache_from=cache_from,
            shm_size_bytes=shmsize,
            squash=squash,
            network_mode=network_mode,
            extra_hosts=extra_hosts,
            registry_config=registry_config,
            deadline=deadline,
        )
        return proceed(call, progress)
