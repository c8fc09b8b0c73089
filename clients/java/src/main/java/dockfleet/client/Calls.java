package dockfleet.client;

import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Makes the calls of every shape. Single calls have a connection of their own: a connection has room for so many. */
record Calls(ManagedChannel single, ManagedChannel streams, CallOptions options, Duration timeout, Duration retry) {
  static final int CHUNK = 256 << 10; // the gateway refuses messages of more than 4 MiB

  Calls withTimeout(Duration timeout) {
    return new Calls(single, streams, options, timeout, retry);
  }

  Calls withRetry(Duration retry) {
    return new Calls(single, streams, options, timeout, retry);
  }

  /** The options of a call that begins now. */
  CallOptions now() {
    return timeout == null ? options : options.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  <Q, R> R unary(MethodDescriptor<Q, R> method, Q request) {
    try {
      return ClientCalls.blockingV2UnaryCall(single, method, now(), request);
    } catch (StatusException error) {
      throw DockfleetException.of(error);
    }
  }

  <Q, R> Responses<R> stream(MethodDescriptor<Q, R> method, Q request) {
    return new Responses<>(open(streams, method, request, now()));
  }

  <Q extends Message, R extends Message> Responses<R> resuming(MethodDescriptor<Q, R> method, Q request) {
    return new Responses<>(new Resuming<>(this, method, request));
  }

  static <Q, R> Responses.Source<R> open(
      Channel channel, MethodDescriptor<Q, R> method, Q request, CallOptions options) {
    return source(ClientCalls.blockingV2ServerStreamingCall(channel, method, options, request));
  }

  static <R> Responses.Source<R> source(BlockingClientCall<?, R> call) {
    return new Responses.Source<>() {
      @Override
      public R read() {
        try {
          return call.read();
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          call.cancel("interrupted", interrupted);
          return null;
        } catch (StatusException error) {
          throw DockfleetException.of(error);
        }
      }

      @Override
      public void cancel() {
        call.cancel("closed", null);
      }
    };
  }

  /** An upload with one response or many: {@code start}, and then the bytes. */
  <Q extends Message, R> Responses<R> uploadStream(MethodDescriptor<Q, R> method, Message start, InputStream bytes) {
    BlockingClientCall<Q, R> call = ClientCalls.blockingBidiStreamingCall(streams, method, now());
    return new Responses<>(new Upload<>(call, new Frames<>(method), start, bytes));
  }

  <Q extends Message, R> R upload(MethodDescriptor<Q, R> method, Message start, InputStream bytes) {
    try (Responses<R> responses = uploadStream(method, start, bytes)) {
      return responses.next();
    }
  }

  <Q extends Message, R extends Message> Session session(MethodDescriptor<Q, R> method, Message start) {
    BlockingClientCall<Q, R> call = ClientCalls.blockingBidiStreamingCall(streams, method, now());
    return new Session(call, new Frames<>(method), start);
  }

  /** The requests of a call, which have one field each. */
  static final class Frames<Q extends Message> {
    private final Message prototype;

    Frames(MethodDescriptor<Q, ?> method) {
      var marshaller = (MethodDescriptor.PrototypeMarshaller<Q>) method.getRequestMarshaller();
      prototype = (Message) marshaller.getMessagePrototype();
    }

    @SuppressWarnings("unchecked")
    Q of(String field, Object value) {
      var descriptor = prototype.getDescriptorForType().findFieldByName(field);
      return (Q) prototype.newBuilderForType().setField(descriptor, value).build();
    }
  }
}
