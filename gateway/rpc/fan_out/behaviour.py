"""Chooses what an RPC with the option `fan_out` does."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor

from gateway.engine.codec import options
from gateway.rpc.backend import Backend
from gateway.rpc.fan_out.batch import batch
from gateway.rpc.fan_out.question import question
from gateway.rpc.host_rpc import Behaviour, HostRpc


def fan_out(method: MethodDescriptor, backend: Backend, served: Mapping[str, Behaviour]) -> Behaviour:
    """Return the behaviour of *method*; *served* has the behaviours of the RPCs of one host, by full name.

    Raises `TypeError` when there is no such RPC, or the messages do not fit it.
    """
    name = options.of_rpc(method).fan_out
    if name not in served:
        raise TypeError(f"{method.full_name}: there is no RPC {name}")
    rpc = HostRpc(descriptor_pool.Default().FindMethodByName(name), served[name])
    if method.input_type.fields_by_name["request"].message_type is not rpc.method.input_type:
        raise TypeError(f"{method.full_name}: its `request` is not that of {name}")
    return batch(method, backend, rpc) if rpc.changes else question(method, backend, rpc)
