package dockfleet.client;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.ChannelCredentials;
import io.grpc.ConnectivityState;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** All hosts of a gateway. Threads may share it. */
public final class Fleet implements AutoCloseable {
  private static final String DEFAULT_ADDRESS = "127.0.0.1:50051";
  private static final String CERTIFICATE = "CERTIFICATE";
  private static final String PRIVATE_KEY = "PRIVATE KEY"; // that is PKCS#8
  private static final String DEFAULT_PORT = "50051";
  private static final int LAST_PORT = 65535;
  private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F.:]*");
  private static final Pattern HOST_AND_PORT =
      Pattern.compile("([^\\s:/@\\[\\]]+|\\[[^\\s/@\\[\\]]+\\])(?::([0-9]{1,5}))?");
  private static final int MAX_MESSAGE_BYTES = 64 << 20; // the gateway's own limit is usually lower
  private static final Duration RETRY = Duration.ofMinutes(1); // as long as a gateway tries to reach a host

  private final Calls calls;

  private Fleet(Calls calls) {
    this.calls = calls;
  }

  /**
   * The fleet of the gateway at {@code address}: {@code HOST:PORT}, {@code HOST} for port 50051, or {@code unix:///PATH}.
   * Nothing is sent before the first call. Throws {@link IllegalArgumentException} for an address that is none.
   */
  public static Fleet connect(String address, ConnectOptions options) throws IOException {
    String target = target(address);
    ChannelCredentials credentials = credentials(options);
    CallOptions calls = CallOptions.DEFAULT;
    if (options.token() != null) {
      calls = calls.withCallCredentials(new Token(options.token()));
    }
    return new Fleet(new Calls(dial(target, credentials), dial(target, credentials), calls, null, RETRY));
  }

  /**
   * The fleet of the gateway that the environment names: {@code DOCKFLEET_ADDRESS}, {@code _TLS_CA}, {@code _TLS_CERT},
   * {@code _TLS_KEY} and {@code _TOKEN}.
   */
  public static Fleet fromEnvironment() throws IOException {
    Map<String, String> environment = System.getenv();
    Path[] files = new Path[3];
    String[] names = {"DOCKFLEET_TLS_CA", "DOCKFLEET_TLS_CERT", "DOCKFLEET_TLS_KEY"};
    for (int index = 0; index < names.length; index++) {
      String path = environment.getOrDefault(names[index], "");
      files[index] = path.isEmpty() ? null : Path.of(path);
    }
    String token = environment.getOrDefault("DOCKFLEET_TOKEN", "");
    String address = environment.getOrDefault("DOCKFLEET_ADDRESS", "");
    var options = new ConnectOptions(false, files[0], files[1], files[2], token.isEmpty() ? null : token);
    return connect(address.isEmpty() ? DEFAULT_ADDRESS : address, options);
  }

  /** The host called {@code name}. Nothing is sent; an unknown host fails the first call. */
  public Host host(String name) {
    return new Host(calls, name);
  }

  /** The hosts themselves: list, add, drain. */
  public HostService hosts() {
    return new HostService(calls);
  }

  /** Many hosts in one call: questions, merged streams and batches. */
  public FleetService all() {
    return new FleetService(calls);
  }

  /** The same fleet, whose calls have this deadline. It closes with this one. */
  public Fleet withTimeout(Duration timeout) {
    return new Fleet(calls.withTimeout(timeout));
  }

  /** The same fleet, whose broken streams are called again for this long; a minute when not given. */
  public Fleet withRetry(Duration retry) {
    return new Fleet(calls.withRetry(retry));
  }

  /**
   * Connects now, and waits for it; false when the gateway cannot be reached within {@code patience}. Without this, the
   * first call connects: on a cold JVM, that takes a good part of a short deadline.
   */
  public boolean awaitConnected(Duration patience) throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    for (ConnectivityState state; (state = calls.single().getState(true)) != ConnectivityState.READY; ) {
      var changed = new CountDownLatch(1);
      calls.single().notifyWhenStateChanged(state, changed::countDown);
      if (!changed.await(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        return false;
      }
    }
    return true;
  }

  /** Ends all connections and their calls. */
  @Override
  public void close() {
    calls.single().shutdownNow();
    calls.streams().shutdownNow();
  }

  /** The address as gRPC takes it, with the default port when it has none. */
  private static String target(String address) {
    if (address.isBlank()) {
      throw new IllegalArgumentException("the address of the gateway is empty: HOST:PORT is wanted");
    }
    if (address.startsWith("unix:///")) {
      return address;
    }
    int scheme = address.indexOf("://");
    if (scheme >= 0) {
      String without = address.substring(0, scheme) + "://";
      throw new IllegalArgumentException(
          "the address of the gateway is HOST:PORT, without %s: \"%s\"".formatted(without, address));
    }
    if (IPV6.matcher(address).matches()) {
      return "[" + address + "]:" + DEFAULT_PORT;
    }
    var parts = HOST_AND_PORT.matcher(address);
    String port = !parts.matches() ? "0" : parts.group(2) == null ? DEFAULT_PORT : parts.group(2);
    if (Integer.parseInt(port) < 1 || Integer.parseInt(port) > LAST_PORT) {
      throw new IllegalArgumentException("the address of the gateway is HOST:PORT: \"%s\"".formatted(address));
    }
    return parts.group(1) + ":" + port;
  }

  private static ManagedChannel dial(String target, ChannelCredentials credentials) {
    return Grpc.newChannelBuilder(target, credentials)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .keepAliveTime(30, TimeUnit.SECONDS) // the gateway allows pings every 10 s
        .keepAliveTimeout(10, TimeUnit.SECONDS)
        .keepAliveWithoutCalls(true)
        .intercept(new Explaining())
        .disableRetry() // a host that stays away must not be asked again and again
        .build();
  }

  private static ChannelCredentials credentials(ConnectOptions options) throws IOException {
    if (!options.tls()) {
      return InsecureChannelCredentials.create();
    }
    var credentials = TlsChannelCredentials.newBuilder();
    if (options.tlsCa() != null) {
      credentials.trustManager(pem(options.tlsCa(), CERTIFICATE));
    }
    if (options.tlsCert() != null) {
      credentials.keyManager(pem(options.tlsCert(), CERTIFICATE), pem(options.tlsKey(), PRIVATE_KEY));
    }
    return credentials.build();
  }

  /** The text of a PEM file. gRPC fails with an error that names neither the file nor what is wrong with it. */
  private static InputStream pem(Path file, String kind) throws IOException {
    byte[] text = Files.readAllBytes(file);
    if (!new String(text, StandardCharsets.ISO_8859_1).contains("-----BEGIN " + kind + "-----")) {
      String remedy = kind.equals(PRIVATE_KEY) ? ": openssl pkcs8 -topk8 -nocrypt makes one" : "";
      throw new IllegalArgumentException("%s is not a PEM file with a %s%s".formatted(file, kind, remedy));
    }
    return new ByteArrayInputStream(text);
  }

  /** A token in every call. */
  private static final class Token extends CallCredentials {
    private final Metadata headers = new Metadata();

    Token(String token) {
      headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    }

    @Override
    public void applyRequestMetadata(RequestInfo request, Executor executor, MetadataApplier applier) {
      applier.apply(headers);
    }
  }
}
