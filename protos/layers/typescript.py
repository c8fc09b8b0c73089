"""The layer of the TypeScript client: a class for each service, whose methods fill in the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from protos.layers.model import Contract, Method, Reach, Service, Shape

FILE = "clients/typescript/src/services.ts"
HEADER = """\
// Generated from the contract by protos/generate_clients.py.

import type { Calls, CallOptions, Fields, Request, Source } from "./calls.js";
import type { ResumeOptions } from "./resuming.js";
import type { Responses } from "./responses.js";
import type { Session } from "./session.js";
"""
SIGNATURES: Mapping[Shape, tuple[str, str]] = {
    Shape.UNARY: ("{fields}, options?: CallOptions", "Promise<{response}>"),
    Shape.STREAM: ("{fields}, options?: CallOptions", "Responses<{response}>"),
    Shape.RESUMING: ("{fields}, options?: ResumeOptions", "Responses<{response}>"),
    Shape.DOWNLOAD: ("{fields}, options?: CallOptions", "Responses<{response}>"),
    Shape.UPLOAD: ("source: Source, {fields}, options?: CallOptions", "Promise<{response}>"),
    Shape.UPLOAD_STREAM: ("source: Source, {fields}, options?: CallOptions", "Responses<{response}>"),
    Shape.SESSION: ("{fields}, options?: CallOptions", "Session"),
}
CALLS: Mapping[Shape, str] = {
    Shape.UNARY: "unary({method}, {sent}, options)",
    Shape.STREAM: "stream({method}, {sent}, options)",
    Shape.RESUMING: "resuming({method}, {sent}, options)",
    Shape.DOWNLOAD: "stream({method}, {sent}, options)",
    Shape.UPLOAD: "upload({method}, source, {sent}, options)",
    Shape.UPLOAD_STREAM: "uploadStream({method}, source, {sent}, options)",
    Shape.SESSION: "session({method}, {sent}, options)",
}


def files(contract: Contract) -> Mapping[str, str]:
    """Return the texts of the files by their paths."""
    parts = [HEADER + "".join(_imports(contract))]
    parts += [_service(service) for service in contract.services]
    parts.append(_host([service for service in contract.services if service.reach is Reach.HOST]))
    return {FILE: "\n".join(parts)}


def _imports(contract: Contract) -> Iterator[str]:
    """Yield a namespace of each generated file: `fleet.v1` and `v1` have messages of the same names."""
    names = {service.file for service in contract.services}
    names |= {contract.messages[method.start].file for service in contract.services for method in service.methods}
    for name in sorted(names):
        module = name.removesuffix(".proto")
        yield f'import * as {_module(module)} from "./gen/{module}_pb.js";\n'


def _module(file: str) -> str:
    return file.removesuffix(".proto").removeprefix("dockfleet/").replace("/", "_")


def _service(service: Service) -> str:
    bound = service.reach is Reach.HOST
    constructor = ["private readonly calls: Calls"] + ["private readonly host: string"] * bound
    lines = [*_comment(service.comment, ""), f"export class {service.name} {{"]
    lines += ["  /** @internal */", f"  constructor({', '.join(constructor)}) {{}}"]
    for method in service.methods:
        lines += ["", *_method(method, _module(service.file), f"{service.name}.method", bound)]
    return "\n".join([*lines, "}", ""])


def _method(method: Method, module: str, methods: str, bound: bool) -> Iterator[str]:
    name = method.name[0].lower() + method.name[1:]
    fields = f"fields: {'Fields' if bound else 'Request'}<typeof {module}.{_short(method.start)}Schema> = {{}}"
    arguments, result = (
        text.format(fields=fields, response=f"{module}.{_short(method.response)}") for text in SIGNATURES[method.shape]
    )
    sent = "{ ...fields, host: this.host }" if bound else "fields"
    call = CALLS[method.shape].format(method=f"{module}.{methods}.{name}", sent=sent)
    yield from _comment(method.comment, "  ")
    yield f"  {name}({arguments}): {result} {{"
    yield f"    return this.calls.{call};"
    yield "  }"


def _host(services: list[Service]) -> str:
    lines = ["/** The services of one host. */", "export class HostServices {"]
    lines += [f"  readonly {_attribute(service)}: {service.name};" for service in services]
    lines += ["", "  /** @internal */", "  constructor(calls: Calls, readonly name: string) {"]
    lines += [f"    this.{_attribute(service)} = new {service.name}(calls, name);" for service in services]
    return "\n".join([*lines, "  }", "}", ""])


def _attribute(service: Service) -> str:
    name = service.name.removesuffix("Service").lower()
    return f"{name}s" if name in ("container", "image", "network", "volume") else name


def _short(full_name: str) -> str:
    return full_name.rpartition(".")[2]


def _comment(text: str, indent: str) -> Iterator[str]:
    yield f"{indent}/**"
    for line in text.replace("*/", "*\u200b/").splitlines():
        yield f"{indent} * {line}".rstrip()
    yield f"{indent} */"
