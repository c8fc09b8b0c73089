#include "dockfleet/dockfleet.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>
#include <thread>

#include <grpcpp/grpcpp.h>

#include "stubs.h"

namespace dockfleet {
namespace {

constexpr char kDefaultAddress[] = "127.0.0.1:50051";
constexpr char kDefaultPort[] = "50051";
constexpr int kLastPort = 65535;
constexpr int kLargestResponse = 64 << 20;  // bytes; a long list is more than gRPC's own 4 MiB
constexpr std::size_t kInputPiece = 32 << 10;

std::string Read(const std::string& file) {
  if (file.empty()) return "";
  std::ifstream stream(file, std::ios::binary);
  try {
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (text.find("-----BEGIN ") != std::string::npos) return text;
  } catch (const std::ios_base::failure&) {
  }
  throw std::ios_base::failure(file + " cannot be read, or is no PEM file");
}

std::shared_ptr<grpc::ChannelCredentials> Credentials(const Options& options) {
  if (options.certificate.empty() != options.key.empty()) {
    throw std::invalid_argument("the certificate and its key belong together: one is given without the other");
  }
  bool tls = options.tls || !options.ca.empty() || !options.certificate.empty();
  if (!tls && options.token.empty()) return grpc::InsecureChannelCredentials();
  if (!tls) throw std::invalid_argument("a token needs TLS");
  if (!std::all_of(options.token.begin(), options.token.end(), [](char sign) { return sign > ' ' && sign <= '~'; })) {
    throw std::invalid_argument(
        "the token has characters that cannot be sent: blanks, line breaks, or others than ASCII");
  }
  grpc::SslCredentialsOptions files;
  files.pem_root_certs = Read(options.ca);
  files.pem_cert_chain = Read(options.certificate);
  files.pem_private_key = Read(options.key);
  auto credentials = grpc::SslCredentials(files);
  if (options.token.empty()) return credentials;
  return grpc::CompositeChannelCredentials(credentials, grpc::AccessTokenCredentials(options.token));
}

// The address as gRPC takes it: with the default port when it has none.
std::string Target(const std::string& address) {
  static const std::regex kOtherName("(dns|ipv4|ipv6|unix|unix-abstract):.+");  // what gRPC resolves besides
  static const std::regex kIpv6(R"([0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F.:]*)");
  static const std::regex kHostAndPort(R"(([^\s:/@\[\]]+|\[[^\s/@\[\]]+\])(?::([0-9]{1,5}))?)");
  const std::string wanted = "the address of the gateway is HOST:PORT";
  if (address.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw std::invalid_argument("the address of the gateway is empty: HOST:PORT is wanted");
  }
  if (std::regex_match(address, kOtherName)) return address;
  if (auto end = address.find("://"); end != std::string::npos) {
    throw std::invalid_argument(wanted + ", without " + address.substr(0, end + 3) + ": \"" + address + '"');
  }
  if (std::regex_match(address, kIpv6)) return '[' + address + "]:" + kDefaultPort;
  std::smatch parts;
  if (!std::regex_match(address, parts, kHostAndPort)) {
    throw std::invalid_argument(wanted + ": \"" + address + '"');
  }
  std::string port = parts[2].matched ? parts[2].str() : kDefaultPort;
  if (std::stoi(port) < 1 || std::stoi(port) > kLastPort) {
    throw std::invalid_argument(wanted + ": \"" + address + '"');
  }
  return parts[1].str() + ':' + port;
}

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kLargestResponse);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // else all channels to an address share one connection
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // a quiet log needs pings too
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);  // gRPC's two minutes are longer than a restart
  return arguments;
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Sends the input of a command, to its end.
void Feed(Session* session, std::istream* input) {
  std::string piece(kInputPiece, '\0');
  while (input->good()) {
    input->read(piece.data(), static_cast<std::streamsize>(piece.size()));
    if (!session->Write({piece.data(), static_cast<std::size_t>(input->gcount())})) return;
  }
  session->CloseStdin();
}

}  // namespace

Fleet Connect(const std::string& address, const Options& options) {
  auto credentials = Credentials(options);
  auto target = Target(address);
  auto dial = [&] { return grpc::CreateCustomChannel(target, credentials, Arguments()); };
  return Fleet(std::make_shared<internal::Stubs>(dial()), std::make_shared<internal::Stubs>(dial()), options.retry);
}

Fleet Connect() {
  Options options;
  options.ca = Variable("DOCKFLEET_TLS_CA");
  options.certificate = Variable("DOCKFLEET_TLS_CERT");
  options.key = Variable("DOCKFLEET_TLS_KEY");
  options.token = Variable("DOCKFLEET_TOKEN");
  std::string address = Variable("DOCKFLEET_ADDRESS");
  return Connect(address.empty() ? kDefaultAddress : address, options);
}

ExecResult Execute(const Host& host, const std::string& container, const std::vector<std::string>& cmd,
                   std::istream* input, const CallOptions& options) {
  v1::ExecStart start;
  start.set_id(container);
  for (const auto& word : cmd) start.add_cmd(word);
  if (input != nullptr) start.set_attach_stdin(true);
  Session session = host.Exec(start, options);
  std::thread feeding;
  if (input != nullptr) feeding = std::thread(Feed, &session, input);
  ExecResult result;
  std::exception_ptr failure;
  try {
    for (v1::OutputChunk output; session.Next(&output);) {
      (output.stream() == v1::STANDARD_STREAM_STDERR ? result.stderr_text : result.stdout_text) += output.data();
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (feeding.joinable()) feeding.join();
  if (failure) std::rethrow_exception(failure);
  result.exit_code = session.exit_code();
  result.unknown_reason = session.end ? session.end->unknown_reason() : "the session ended without its last response";
  return result;
}

fleet::v1::HostSelector AllHosts() {
  fleet::v1::HostSelector selector;
  selector.set_all(true);
  return selector;
}

fleet::v1::HostSelector Hosts(const std::vector<std::string>& names) {
  fleet::v1::HostSelector selector;
  selector.mutable_names()->Assign(names.begin(), names.end());
  return selector;
}

fleet::v1::ContainerSelector Containers(const std::vector<std::string>& names) {
  fleet::v1::ContainerSelector selector;
  selector.mutable_names()->Assign(names.begin(), names.end());
  return selector;
}

fleet::v1::ContainerSelector ContainersWith(const std::string& label, const std::string& value) {
  fleet::v1::ContainerSelector selector;
  auto* requirement = selector.add_labels();
  requirement->set_key(label);
  requirement->set_operator_(fleet::v1::LABEL_OPERATOR_EQUAL);
  requirement->add_values(value);
  return selector;
}

}  // namespace dockfleet
