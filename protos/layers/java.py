"""The layer of the Java client: a class for each service, whose methods fill in the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from protos.layers.model import Contract, Method, Reach, Service, Shape

FOLDER = "clients/java/src/main/java/dockfleet/client"
HEADER = """\
// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

"""
UPLOADS = (Shape.UPLOAD, Shape.UPLOAD_STREAM)
CALLS: Mapping[Shape, tuple[str, str]] = {  # the result, and the function that makes the call
    Shape.UNARY: ("{response}", "unary"),
    Shape.STREAM: ("Responses<{response}>", "stream"),
    Shape.RESUMING: ("Responses<{response}>", "resuming"),
    Shape.DOWNLOAD: ("Responses<{response}>", "stream"),
    Shape.UPLOAD: ("{response}", "upload"),
    Shape.UPLOAD_STREAM: ("Responses<{response}>", "uploadStream"),
    Shape.SESSION: ("Session", "session"),
}


def files(contract: Contract) -> Mapping[str, str]:
    """Return the texts of the files by their paths."""
    texts = {f"{FOLDER}/{service.name}.java": _service(service) for service in contract.services}
    texts[f"{FOLDER}/HostServices.java"] = _host([each for each in contract.services if each.reach is Reach.HOST])
    return texts


def _service(service: Service) -> str:
    bound = service.reach is Reach.HOST
    uploads = any(method.shape in UPLOADS for method in service.methods)
    imports = ["import java.io.InputStream;"] * uploads + ["import java.util.function.Consumer;"]
    lines = [*imports, "", *_comment(service.comment, ""), f"public final class {service.name} {{"]
    lines += ["  private final Calls calls;", *["  private final String host;"] * bound, ""]
    lines += [f"  {service.name}(Calls calls{', String host' * bound}) {{", "    this.calls = calls;"]
    lines += [*["    this.host = host;"] * bound, "  }"]
    for method in service.methods:
        lines += ["", *_method(method, service.full_name, bound)]
    return HEADER + "\n".join([*lines, "}", ""])


def _method(method: Method, service: str, bound: bool) -> Iterator[str]:
    result, call = CALLS[method.shape]
    upload = method.shape in UPLOADS
    name = method.name[0].lower() + method.name[1:]
    parameters = "InputStream bytes, " * upload + f"Consumer<{method.start}.Builder> fields"
    yield from _comment(method.comment, "  ")
    yield f"  public {result.format(response=method.response)} {name}({parameters}) {{"
    yield f"    var request = {method.start}.newBuilder();"
    yield "    fields.accept(request);"
    built = "request.setHost(host).build()" if bound else "request.build()"
    yield f"    return calls.{call}({service}Grpc.get{method.name}Method(), {built}{', bytes' * upload});"
    yield "  }"


def _host(services: list[Service]) -> str:
    lines = ["/** The services of one host. */", "abstract class HostServices {"]
    lines += ["  final Calls calls;", "  final String name;", ""]
    lines += ["  HostServices(Calls calls, String name) {", "    this.calls = calls;", "    this.name = name;", "  }"]
    for service in services:
        lines += ["", f"  /** {service.comment.splitlines()[0]} */"]
        lines += [f"  public {service.name} {_attribute(service)}() {{"]
        lines += [f"    return new {service.name}(calls, name);", "  }"]
    return HEADER + "\n".join([*lines, "}", ""])


def _attribute(service: Service) -> str:
    name = service.name.removesuffix("Service").lower()
    return f"{name}s" if name in ("container", "image", "network", "volume") else name


def _comment(text: str, indent: str) -> Iterator[str]:
    yield f"{indent}/**"
    for line in (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*/", "*&#47;").splitlines()
    ):
        yield f"{indent} * {line}".rstrip()
    yield f"{indent} */"
