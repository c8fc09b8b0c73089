"""gRPC reflection, with the comments of the contract.

Generated Python code has no comments, so grpcio's own servicer cannot send them.  The file `contract.binpb.gz` beside
this module has them: `make protos` writes it.  All other files, such as those of the health service, come from
protobuf's pool.
"""

from __future__ import annotations

import gzip
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_reflection.v1alpha import reflection_pb2 as pb

NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
"""The services: v1, and its older name, which is the same on the wire."""

_CONTRACT = Path(__file__).with_name("contract.binpb.gz")


class Reflection:
    """Serves the descriptors of services, messages and fields."""

    def __init__(self, services: Iterable[str]) -> None:
        """Describe *services*, given by full name, and the reflection services."""
        self._services = sorted({*services, *NAMES})
        self._pool = descriptor_pool.Default()

    @cached_property
    def _contract(self) -> dict[str, FileDescriptorProto]:
        """The files of the contract by name; few gateways are asked for them, so the first request reads them."""
        described = FileDescriptorSet.FromString(gzip.decompress(_CONTRACT.read_bytes()))
        return {file.name: file for file in described.file}

    def add_to(self, server: grpc.aio.Server) -> None:
        """Add the reflection services to *server*.

        grpc accepts the calls of a registered method apart from all others, so these streams delay no other calls.  To
        register every method would make each call slower: grpc then waits for a call of any of them.
        """
        handler = grpc.stream_stream_rpc_method_handler(
            self.ServerReflectionInfo,
            pb.ServerReflectionRequest.FromString,
            pb.ServerReflectionResponse.SerializeToString,
        )
        for name in NAMES:
            server.add_registered_method_handlers(name, {"ServerReflectionInfo": handler})

    async def ServerReflectionInfo(
        self, requests: AsyncIterator[pb.ServerReflectionRequest], context: Any
    ) -> AsyncGenerator[pb.ServerReflectionResponse, None]:
        """Answer each request of a stream."""
        async for request in requests:
            response = pb.ServerReflectionResponse(valid_host=request.host, original_request=request)
            try:
                self._answer(request, response)
            except KeyError:
                response.error_response.error_code = grpc.StatusCode.NOT_FOUND.value[0]
                response.error_response.error_message = "there is no such symbol, file or extension"
            yield response

    def _answer(self, request: pb.ServerReflectionRequest, response: pb.ServerReflectionResponse) -> None:
        match request.WhichOneof("message_request"):
            case "list_services":
                services = (pb.ServiceResponse(name=name) for name in self._services)
                response.list_services_response.service.extend(services)
                return
            case "file_by_filename":
                file = self._pool.FindFileByName(request.file_by_filename)
            case "file_containing_symbol":
                file = self._file_of(request.file_containing_symbol)
            case "file_containing_extension":
                wanted = request.file_containing_extension
                extended = self._pool.FindMessageTypeByName(wanted.containing_type)
                extension: Any = self._pool.FindExtensionByNumber(extended, wanted.extension_number)
                file = extension.file
            case "all_extension_numbers_of_type":
                extended = self._pool.FindMessageTypeByName(request.all_extension_numbers_of_type)
                numbers = (extension.number for extension in self._pool.FindAllExtensions(extended))
                response.all_extension_numbers_response.base_type_name = request.all_extension_numbers_of_type
                response.all_extension_numbers_response.extension_number.extend(sorted(numbers))
                return
            case _:
                response.error_response.error_code = grpc.StatusCode.INVALID_ARGUMENT.value[0]
                response.error_response.error_message = "the request asks for nothing that this gateway knows"
                return
        files = (found.SerializeToString() for found in self._with_imports(file.name, set()))
        response.file_descriptor_response.file_descriptor_proto.extend(files)

    def _file_of(self, symbol: str) -> Any:
        """Return the file that declares *symbol*; the pool's own search passes over RPCs and fields."""
        pool: Any = self._pool
        with suppress(KeyError):
            return pool.FindFileContainingSymbol(symbol)
        with suppress(KeyError):
            return pool.FindMethodByName(symbol).containing_service.file
        return pool.FindFieldByName(symbol).containing_type.file

    def _with_imports(self, name: str, seen: set[str]) -> Iterator[FileDescriptorProto]:
        """Yield a file, and those that it imports, each once."""
        if name in seen:
            return
        seen.add(name)
        file = self._contract.get(name)
        if file is None:
            file = FileDescriptorProto()
            self._pool.FindFileByName(name).CopyToProto(file)
        yield file
        for imported in file.dependency:
            yield from self._with_imports(imported, seen)
