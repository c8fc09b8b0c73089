package dockfleet.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** Sends bytes on a thread of its own, while the responses are read. */
final class Upload<Q extends Message, R> implements Responses.Source<R> {
  private final Responses.Source<R> responses;
  private final BlockingClientCall<Q, R> call;
  private volatile IOException failure;

  Upload(BlockingClientCall<Q, R> call, Calls.Frames<Q> frames, Message start, InputStream bytes) {
    this.call = call;
    responses = Calls.source(call);
    Thread sender = new Thread(() -> send(frames, start, bytes), "dockfleet-upload");
    sender.setDaemon(true); // a read of the source may be left waiting
    sender.start();
  }

  @Override
  public R read() {
    try {
      return responses.read();
    } catch (DockfleetException error) {
      if (failure != null) {
        throw new UncheckedIOException(failure);
      }
      throw error;
    }
  }

  @Override
  public void cancel() {
    responses.cancel();
  }

  private void send(Calls.Frames<Q> frames, Message start, InputStream bytes) {
    try {
      boolean open = call.write(frames.of("start", start));
      byte[] piece;
      while (open && (piece = bytes.readNBytes(Calls.CHUNK)).length > 0) {
        open = call.write(frames.of("data", ByteString.copyFrom(piece)));
      }
      call.halfClose();
    } catch (IOException error) {
      failure = error;
      call.cancel("the source failed", error); // an incomplete upload must not look like a complete one
    } catch (InterruptedException interrupted) {
      call.cancel("interrupted", interrupted);
    } catch (StatusException | IllegalStateException ended) {
      return; // who reads the responses learns why
    }
  }
}
