"""The C++ client: the classes `Host` and `Fleet`, and the reasons of failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from protos.layers.model import Contract, Method, Reach, Service, Shape

HEADER = "// Generated from the contract by protos/generate_clients.py.\n"
HOST_INCLUDES = ("chrono", "istream", "memory", "ostream", "string", "utility")

HOST = """
// One host of a fleet.
class Host {{
 public:
  Host(std::string name, std::shared_ptr<internal::Stubs> calls, std::shared_ptr<internal::Stubs> streams,
       std::chrono::milliseconds retry)
      : name_(std::move(name)), calls_(std::move(calls)), streams_(std::move(streams)), retry_(retry) {{}}

  const std::string& name() const {{ return name_; }}
{methods}
 private:
  std::string name_;
  std::shared_ptr<internal::Stubs> calls_, streams_;  // streams never hold up calls
  std::chrono::milliseconds retry_;
}};
"""

FLEET = """
// A gateway with all its hosts.
class Fleet {{
 public:
  Fleet(std::shared_ptr<internal::Stubs> calls, std::shared_ptr<internal::Stubs> streams,
        std::chrono::milliseconds retry)
      : calls_(std::move(calls)), streams_(std::move(streams)), retry_(retry) {{}}

  // The host of a name.  Nothing is sent; a host that does not exist fails the first call.
  Host host(const std::string& name) const {{ return Host(name, calls_, streams_, retry_); }}
{methods}
 private:
  std::shared_ptr<internal::Stubs> calls_, streams_;  // streams never hold up calls
  std::chrono::milliseconds retry_;
}};
"""

STUBS = """
// The generated clients of all services, on one connection.
struct Stubs {{
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel)
      : {made} {{}}
{members}}};
"""


def files(contract: Contract) -> Mapping[str, str]:
    """Return the generated files."""
    return {
        "clients/cpp/include/dockfleet/host.h": _header(contract.services),
        "clients/cpp/include/dockfleet/reasons.h": _reasons(contract),
        "clients/cpp/src/host.cc": _bodies(contract.services),
        "clients/cpp/src/stubs.h": _stubs(contract.services),
    }


def _reasons(contract: Contract) -> str:
    """Return a constant for each reason."""
    constants = []
    for reason in contract.reasons:
        name = "".join(word.capitalize() for word in reason.name.split("_"))
        constants.append(f'{_comment(reason.comment, "")}constexpr char k{name}[] = "{reason.name}";\n')
    body = "// The reasons of failures.  A newer gateway may give others.\nnamespace dockfleet::reasons {\n\n"
    return _guarded("REASONS", f"\n{body}{''.join(constants)}\n}}  // namespace dockfleet::reasons\n")


def _header(services: Sequence[Service]) -> str:
    """Return the classes, with the declaration of a method for each RPC."""
    includes = "".join(f"#include <{name}>\n" for name in HOST_INCLUDES)
    messages = "".join(f'#include "{proto}.pb.h"\n' for proto in _protos(services))
    own = '#include "dockfleet/session.h"\n#include "dockfleet/stream.h"\n'
    classes = HOST.format(methods=_declared(_of_hosts(services))) + FLEET.format(methods=_declared(_of_fleet(services)))
    return _guarded(
        "HOST",
        f"\n{includes}\n{messages}{own}\nnamespace dockfleet {{\nnamespace internal {{\nstruct Stubs;\n"
        f"}}  // namespace internal\n{classes}\n}}  // namespace dockfleet\n",
    )


def _stubs(services: Sequence[Service]) -> str:
    """Return the structure with the generated clients."""
    made = ",\n        ".join(f"{_field(each)}({_type(each.full_name)}::NewStub(channel))" for each in services)
    members = "".join(f"  std::shared_ptr<{_type(each.full_name)}::Stub> {_field(each)};\n" for each in services)
    includes = "".join(f'#include "{proto}.grpc.pb.h"\n' for proto in _protos(services))
    body = STUBS.format(made=made, members=members)
    return _guarded(
        "STUBS",
        f"\n#include <memory>\n\n{includes}\nnamespace dockfleet::internal {{\n{body}\n"
        "}  // namespace dockfleet::internal\n",
    )


def _bodies(services: Sequence[Service]) -> str:
    """Return the methods of both classes."""
    own = "".join(f'#include "{name}.h"\n' for name in ("calls", "resuming", "stubs"))
    bodies = [_body("Host", service, method) for service in _of_hosts(services) for method in service.methods]
    bodies += [_body("Fleet", service, method) for service in _of_fleet(services) for method in service.methods]
    return (
        f'{HEADER}\n#include "dockfleet/host.h"\n\n{own}\nnamespace dockfleet {{\n{"".join(bodies)}\n'
        "}  // namespace dockfleet\n"
    )


def _declared(services: Iterable[Service]) -> str:
    return "".join(
        f"\n{_comment(method.comment, '  ')}  {_signature('', method, default=True)};\n"
        for service in services
        for method in service.methods
    )


def _signature(scope: str, method: Method, *, default: bool) -> str:
    """Return the beginning of a method, with defaults where it is declared."""
    returns, _, stream = _form(method)
    name = _argument(method)
    empty = " = {}" if default else ""
    parameters = [f"const {_type(method.start)}& {name}{'' if stream else empty}"]
    parameters += [stream] if stream else []
    return f"{returns} {scope}{method.name}({', '.join(parameters)}, const CallOptions& options{empty}) const"


def _body(scope: str, service: Service, method: Method) -> str:
    """Return the whole of a method."""
    returns, function, stream = _form(method)
    name = _argument(method)
    stub = f"{'calls_' if method.shape is Shape.UNARY else 'streams_'}->{_field(service)}"
    arguments = [
        stub if method.shape is Shape.RESUMING else f"*{stub}",
        f"&{_type(service.full_name)}::Stub::{method.name}",
        f"WithHost({name}, name_)" if service.reach is Reach.HOST else name,
        *(["retry_"] if method.shape is Shape.RESUMING else []),
        *([stream.rpartition(" ")[2]] if stream else []),
        "options",
    ]
    call = f"internal::{function}({', '.join(arguments)})".replace("WithHost", "internal::WithHost")
    result = "" if returns == "void" else "return "
    return f"\n{_signature(f'{scope}::', method, default=False)} {{\n  {result}{call};\n}}\n"


def _form(method: Method) -> tuple[str, str, str]:
    """Return what a method returns, the function that it is made of, and its parameter for a stream of bytes."""
    response = _type(method.response)
    return {
        Shape.UNARY: (response, "Unary", ""),
        Shape.STREAM: (f"Stream<{response}>", "Responses", ""),
        Shape.RESUMING: (f"Stream<{response}>", "Resuming", ""),
        Shape.DOWNLOAD: ("void", "Download", "std::ostream& out"),
        Shape.UPLOAD: (response, "Upload", "std::istream& data"),
        Shape.UPLOAD_STREAM: (f"Stream<{response}>", "UploadResponses", "std::istream& data"),
        Shape.SESSION: ("Session", "OpenSession", ""),
    }[method.shape]


def _argument(method: Method) -> str:
    return "start" if method.start != method.request else "request"


def _of_hosts(services: Sequence[Service]) -> list[Service]:
    return [each for each in services if each.reach is Reach.HOST]


def _of_fleet(services: Sequence[Service]) -> list[Service]:
    return [each for each in services if each.reach is not Reach.HOST]


def _protos(services: Sequence[Service]) -> list[str]:
    return sorted({each.file.removesuffix(".proto") for each in services})


def _field(service: Service) -> str:
    """Return the name of a service's stub: `container`."""
    return service.name.removesuffix("Service").lower()


def _type(full_name: str) -> str:
    return full_name.removeprefix("dockfleet.").replace(".", "::")


def _comment(text: str, indent: str) -> str:
    return "".join(f"{indent}// {line}".rstrip() + "\n" for line in text.splitlines())


def _guarded(name: str, text: str) -> str:
    """Return a header that can be included twice."""
    guard = f"DOCKFLEET_{name}_H_"
    return f"{HEADER}\n#ifndef {guard}\n#define {guard}\n{text}\n#endif  // {guard}\n"
