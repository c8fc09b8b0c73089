package dockfleet.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.LinkedHashSet;
import java.util.regex.Pattern;

/** Says why no call has reached the gateway yet: gRPC's own text is often no more than "io exception". */
final class Explaining implements ClientInterceptor {
  private static final String CLOSED_AT_ONCE =
      "the gateway closed the connection at once: it may require TLS, or a client certificate that it trusts";
  private static final Pattern CLOSED = Pattern.compile("Network closed|Connection reset|Broken pipe|end of stream|EOF");

  private volatile boolean answered;

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        super.start(new Explained<>(delegate(), listener), headers);
      }
    };
  }

  private final class Explained<R> extends SimpleForwardingClientCallListener<R> {
    private final ClientCall<?, ?> call;

    Explained(ClientCall<?, ?> call, ClientCall.Listener<R> listener) {
      super(listener);
      this.call = call;
    }

    @Override
    public void onHeaders(Metadata headers) {
      answered = true;
      super.onHeaders(headers);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      answered |= !trailers.keys().isEmpty(); // gRPC's own failures have none
      boolean connected = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) != null;
      boolean failed = !answered && !connected && status.getCode() == Status.Code.UNAVAILABLE;
      super.onClose(failed ? status.withDescription(text(status)) : status, trailers);
    }
  }

  private static String text(Status status) {
    var texts = new LinkedHashSet<String>();
    texts.add(String.valueOf(status.getDescription()).lines().findFirst().orElse(""));
    for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
      texts.add(String.valueOf(cause.getMessage()));
    }
    String text = String.join(": ", texts);
    return CLOSED.matcher(text).find() ? CLOSED_AT_ONCE + " (" + text + ")" : text;
  }
}
