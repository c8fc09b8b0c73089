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
  private volatile RuntimeException failure;

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
        throw failure;
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
      byte[] piece = next(bytes);
      while (open && piece != null && piece.length > 0) {
        open = call.write(frames.of("data", ByteString.copyFrom(piece)));
        piece = next(bytes);
      }
      if (piece != null) {
        call.halfClose();
      }
    } catch (InterruptedException interrupted) {
      call.cancel("interrupted", interrupted);
    } catch (StatusException | IllegalStateException ended) {
      return; // who reads the responses learns why
    }
  }

  /** The next bytes; null when the source has failed. It may be any of the program's, and throw anything. */
  private byte[] next(InputStream bytes) {
    try {
      return bytes.readNBytes(Calls.CHUNK);
    } catch (IOException error) {
      failure = new UncheckedIOException(error);
    } catch (RuntimeException error) {
      failure = error;
    }
    call.cancel("the source failed", failure); // an incomplete upload must not look like a complete one
    return null;
  }
}
