package dockfleet.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A call failed. The message is for people; programs decide by {@link #reason}. */
public final class DockfleetException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** A field of the request that is missing or wrong, and why. */
  public record Violation(String field, String description) {}

  /** The object of a failure: its kind, such as {@code container}, and its name. */
  public record Resource(String kind, String name) {}

  private final Status.Code code;
  private final transient List<Violation> violations = new ArrayList<>();
  private String reason = "";
  private String host = "";
  private String requestId = "";
  private String engineStatus = "";
  private boolean retrySafe;
  private Duration retryAfter;
  private transient Resource resource;

  private DockfleetException(Status status, com.google.rpc.Status details, Throwable cause) {
    super(status.getDescription() == null ? status.getCode().name() : status.getDescription(), cause);
    code = status.getCode();
    try {
      for (Any detail : details.getDetailsList()) {
        read(detail);
      }
    } catch (InvalidProtocolBufferException broken) {
      addSuppressed(broken); // a proxy may have changed them; the code and the message are still right
    }
  }

  /** The failure of a call, whatever gRPC threw. */
  public static DockfleetException of(Throwable error) {
    if (error instanceof DockfleetException known) {
      return known;
    }
    boolean hasStatus = error instanceof StatusException || error instanceof StatusRuntimeException;
    Status status = Status.fromThrowable(error);
    var none = com.google.rpc.Status.getDefaultInstance();
    return new DockfleetException(status, hasStatus ? StatusProto.fromThrowable(error) : none, error);
  }

  private void read(Any detail) throws InvalidProtocolBufferException {
    if (detail.is(ErrorInfo.class)) {
      ErrorInfo info = detail.unpack(ErrorInfo.class);
      if (info.getDomain().equals("dockfleet")) {
        reason = info.getReason();
        host = info.getMetadataOrDefault("host", "");
        requestId = info.getMetadataOrDefault("request_id", "");
        engineStatus = info.getMetadataOrDefault("engine_status", "");
        retrySafe = info.getMetadataOrDefault("retry_safe", "").equals("true");
      }
    } else if (detail.is(BadRequest.class)) {
      for (var each : detail.unpack(BadRequest.class).getFieldViolationsList()) {
        violations.add(new Violation(each.getField(), each.getDescription()));
      }
    } else if (detail.is(RetryInfo.class)) {
      RetryInfo info = detail.unpack(RetryInfo.class);
      var delay = info.getRetryDelay();
      retryAfter = info.hasRetryDelay() ? Duration.ofSeconds(delay.getSeconds(), delay.getNanos()) : null;
    } else if (detail.is(ResourceInfo.class)) {
      ResourceInfo info = detail.unpack(ResourceInfo.class);
      resource = new Resource(info.getResourceType(), info.getResourceName());
    }
  }

  /** The gRPC status code. */
  public Status.Code code() {
    return code;
  }

  /**
   * A value of the contract's {@code ErrorReason} without its prefix, such as {@code UNKNOWN_HOST}. Empty when the
   * failure does not come from a gateway, such as when there is no connection.
   */
  public String reason() {
    return reason;
  }

  /** The host of the call; empty when none was chosen. */
  public String host() {
    return host;
  }

  /** The id of the call in the gateway's log; empty when the gateway did not say it. */
  public String requestId() {
    return requestId;
  }

  /** The HTTP status of the engine's response; empty without a response. */
  public String engineStatus() {
    return engineStatus;
  }

  /** Whether the same call may be made again: it may help, and does no harm. */
  public boolean retrySafe() {
    return retrySafe;
  }

  /** How long to wait before the call is made again. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /** What is wrong with the request, by field. */
  public List<Violation> violations() {
    return List.copyOf(violations);
  }

  /** The object that does not exist or is in the way. */
  public Optional<Resource> resource() {
    return Optional.ofNullable(resource);
  }
}
