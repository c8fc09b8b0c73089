package dockfleet.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * The responses of a stream across all its calls, without heartbeats and records of newer gateways. The rule is that of
 * the contract: see the beginning of protos/dockfleet/v1/common.proto.
 */
final class Resuming<Q extends Message, R extends Message> implements Responses.Source<R> {
  private static final long SHORTEST_PAUSE = 100; // milliseconds
  private static final long LONGEST_PAUSE = 1000;

  /** What libraries report for a broken connection. */
  private static final Set<Code> BROKEN = Set.of(Code.UNAVAILABLE, Code.UNKNOWN, Code.CANCELLED, Code.INTERNAL);

  private final Calls calls;
  private final MethodDescriptor<Q, R> method;
  private final CallOptions options; // its deadline is that of all calls together
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile Responses.Source<R> call;
  private Q request;
  private boolean known; // where to continue
  private boolean ended;
  private long failedAt; // nanoseconds; 0 while the stream is well
  private long pause = SHORTEST_PAUSE;

  Resuming(Calls calls, MethodDescriptor<Q, R> method, Q request) {
    this.calls = calls;
    this.method = method;
    this.request = request;
    options = calls.now();
    open();
  }

  /** Whether a stream that failed can be called again, when this program did not end it itself. */
  static boolean mayResume(DockfleetException error) {
    if (error.reason().isEmpty()) {
      return BROKEN.contains(error.code()); // the failure does not come from the gateway
    }
    return error.code() == Code.UNAVAILABLE || error.retrySafe() || error.reason().equals("SLOW_READER");
  }

  @Override
  public R read() {
    while (true) {
      R response;
      try {
        response = call.read();
      } catch (DockfleetException error) {
        if (ended) {
          return null; // what breaks after the last response does not matter
        }
        if (await(failed(error))) {
          throw error;
        }
        open();
        continue;
      }
      if (response == null) {
        return null;
      }
      received(response);
      if (!isSilent(response)) {
        return response;
      }
    }
  }

  @Override
  public void cancel() {
    closed.countDown();
    call.cancel();
  }

  private void open() {
    call = Calls.open(calls.streams(), method, request, options);
    if (closed.getCount() == 0) {
      call.cancel();
    }
  }

  private void received(R response) {
    failedAt = 0;
    pause = SHORTEST_PAUSE;
    FieldDescriptor end = response.getDescriptorForType().findFieldByName("end");
    ended |= end != null && response.hasField(end);
    FieldDescriptor token = response.getDescriptorForType().findFieldByName("resume_token");
    if (token == null) {
      known = true;
    } else if (!((ByteString) response.getField(token)).isEmpty()) {
      known = true;
      request = continued(request, response, token);
    }
  }

  /** The next request: the token in place of {@code since} and {@code tail}, and of a log the id in place of a name. */
  @SuppressWarnings("unchecked")
  static <Q extends Message> Q continued(Q request, Message response, FieldDescriptor token) {
    Message.Builder next = request.toBuilder();
    var fields = next.getDescriptorForType();
    next.setField(fields.findFieldByName("resume_token"), response.getField(token));
    FieldDescriptor id = response.getDescriptorForType().findFieldByName("container_id");
    if (id != null) {
      next.setField(fields.findFieldByName("id"), response.getField(id));
    }
    clearStart(next);
    FieldDescriptor inner = fields.findFieldByName("request");
    if (inner != null && next.hasField(inner)) {
      clearStart(next.getFieldBuilder(inner));
    }
    return (Q) next.build();
  }

  private static void clearStart(Message.Builder request) {
    for (String name : new String[] {"since", "tail"}) {
      FieldDescriptor field = request.getDescriptorForType().findFieldByName(name);
      if (field != null) {
        request.clearField(field);
      }
    }
  }

  private static boolean isSilent(Message response) {
    for (var oneof : response.getDescriptorForType().getRealOneofs()) {
      if (oneof.getName().equals("record")) {
        FieldDescriptor record = response.getOneofFieldDescriptor(oneof);
        return record == null || record.getName().equals("heartbeat");
      }
    }
    FieldDescriptor heartbeat = response.getDescriptorForType().findFieldByName("heartbeat");
    return heartbeat != null && response.hasField(heartbeat);
  }

  /** How many milliseconds to wait before the next call. Throws {@code error} when there is none. */
  private long failed(DockfleetException error) {
    boolean mine =
        closed.getCount() == 0
            || calls.streams().isShutdown()
            || (options.getDeadline() != null && options.getDeadline().isExpired());
    long now = System.nanoTime();
    failedAt = failedAt == 0 ? now : failedAt;
    long after = error.retryAfter().map(Duration::toMillis).orElse(0L);
    long wait = Math.max((long) (pause * ThreadLocalRandom.current().nextDouble(0.8, 1.2)), after);
    boolean late = Duration.ofNanos(now - failedAt).plusMillis(wait).compareTo(calls.retry()) > 0;
    if (mine || !known || late || !mayResume(error)) {
      throw error;
    }
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    return wait;
  }

  /** Waits; true when the stream was closed meanwhile. */
  private boolean await(long milliseconds) {
    try {
      return closed.await(milliseconds, TimeUnit.MILLISECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return true;
    }
  }
}
