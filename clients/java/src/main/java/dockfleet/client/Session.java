package dockfleet.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dockfleet.v1.CloseStdin;
import dockfleet.v1.DroppedOutput;
import dockfleet.v1.OutputChunk;
import dockfleet.v1.SessionEnd;
import dockfleet.v1.SessionStarted;
import dockfleet.v1.StandardStream;
import dockfleet.v1.TerminalSize;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.OptionalLong;

/**
 * A session with a process. The iteration returns its output until the end; then {@link #exitCode} is set. Any thread may
 * write while another one iterates: a process that waits until its output is read does not read its input.
 *
 * <p>{@link #close} ends the session. That kills the process of {@code exec}, unless it has {@code ON_DISCONNECT_KEEP}.
 */
public final class Session implements Iterable<OutputChunk>, AutoCloseable {
  private final Responses<Message> responses;
  private final Writer writer;
  private SessionStarted started = SessionStarted.getDefaultInstance();
  private SessionEnd end;
  private long droppedBytes;

  /** The result of a command: all its output, and why there is no exit code when there is none. */
  public record Result(OptionalLong exitCode, String unknownReason, ByteString stdout, ByteString stderr) {}

  /** Writes the requests. */
  private interface Writer {
    void write(String field, Object value) throws IOException;

    void halfClose();
  }

  <Q extends Message, R extends Message> Session(
      BlockingClientCall<Q, R> call, Calls.Frames<Q> frames, Message start) {
    Responses.Source<R> source = Calls.source(call);
    responses =
        new Responses<>(
            new Responses.Source<>() {
              @Override
              public Message read() {
                return source.read();
              }

              @Override
              public void cancel() {
                source.cancel();
              }
            });
    writer =
        new Writer() {
          @Override
          public void write(String field, Object value) throws IOException {
            try {
              if (!call.write(frames.of(field, value))) {
                throw new IOException("the session has ended");
              }
            } catch (StatusException | IllegalStateException ended) {
              throw new IOException("the session has ended", ended);
            } catch (InterruptedException interrupted) {
              Thread.currentThread().interrupt();
              throw new InterruptedIOException();
            }
          }

          @Override
          public void halfClose() {
            call.halfClose();
          }
        };
    try {
      writer.write("start", start);
    } catch (IOException ended) {
      return; // the iteration says why
    }
  }

  /** The id of the exec, for {@code resizeExec} and {@code inspectExec}; empty before the first output, and for attach. */
  public String execId() {
    return started.getExecId();
  }

  /** Whether the process has a terminal. */
  public boolean tty() {
    return started.getTty();
  }

  /** Whether the last response has come. */
  public boolean ended() {
    return end != null;
  }

  /** The exit code of the process; empty before the end, and when it is not known. */
  public OptionalLong exitCode() {
    return end != null && end.hasExitCode() ? OptionalLong.of(end.getExitCode()) : OptionalLong.empty();
  }

  /** Why there is no exit code after the end. */
  public String unknownReason() {
    return end == null ? "the session ended without its last response" : end.getUnknownReason();
  }

  /** How many bytes of output are missing so far, because this program did not read in time. */
  public long droppedBytes() {
    return droppedBytes;
  }

  /** Sends bytes to standard input; waits while earlier input is not sent yet. Throws after the end. */
  public void write(byte[] data) throws IOException {
    for (int at = 0; at < data.length; at += Calls.CHUNK) {
      writer.write("stdin", ByteString.copyFrom(data, at, Math.min(Calls.CHUNK, data.length - at)));
    }
  }

  /** Standard input as a stream; closing it ends the input. */
  public OutputStream stdin() {
    return new OutputStream() {
      @Override
      public void write(int one) throws IOException {
        Session.this.write(new byte[] {(byte) one});
      }

      @Override
      public void write(byte[] data, int offset, int length) throws IOException {
        Session.this.write(ByteString.copyFrom(data, offset, length).toByteArray());
      }

      @Override
      public void close() throws IOException {
        closeStdin();
      }
    };
  }

  /** Ends standard input. Output continues. */
  public void closeStdin() throws IOException {
    writer.write("close_stdin", CloseStdin.getDefaultInstance());
  }

  /** Sets the size of the terminal, in characters. */
  public void resize(int height, int width) throws IOException {
    writer.write("resize", TerminalSize.newBuilder().setHeight(height).setWidth(width).build());
  }

  /** Sends all of a source to standard input on a thread of its own, and then the end of it. */
  Session feed(InputStream source) {
    Thread sender = new Thread(() -> copy(source), "dockfleet-stdin");
    sender.setDaemon(true); // a read of the source may be left waiting
    sender.start();
    return this;
  }

  private volatile IOException failure;

  private void copy(InputStream source) {
    byte[] piece = new byte[Calls.CHUNK];
    while (true) {
      int size;
      try {
        size = source.read(piece);
      } catch (IOException error) {
        failure = error;
        close();
        return;
      }
      try {
        if (size < 0) {
          writer.halfClose();
          return;
        }
        writer.write("stdin", ByteString.copyFrom(piece, 0, size));
      } catch (IOException | IllegalStateException ended) {
        return; // the process has ended without reading all of it
      }
    }
  }

  /** The output as it comes. */
  @Override
  public Iterator<OutputChunk> iterator() {
    return new Iterator<>() {
      private OutputChunk next;

      @Override
      public boolean hasNext() {
        while (next == null && responses.hasNext()) {
          next = received(responses.next());
        }
        return next != null;
      }

      @Override
      public OutputChunk next() {
        OutputChunk chunk = hasNext() ? next : null;
        next = null;
        if (chunk == null) {
          throw new java.util.NoSuchElementException();
        }
        return chunk;
      }
    };
  }

  /** Reads all output to the end of the session, and returns it with the exit code. */
  public Result result() {
    var stdout = new ByteArrayOutputStream();
    var stderr = new ByteArrayOutputStream();
    for (OutputChunk chunk : this) {
      var kind = chunk.getStream() == StandardStream.STANDARD_STREAM_STDERR ? stderr : stdout;
      kind.writeBytes(chunk.getData().toByteArray());
    }
    if (failure != null) {
      throw new UncheckedIOException(failure);
    }
    var code = exitCode();
    return new Result(code, unknownReason(), bytes(stdout), bytes(stderr));
  }

  /** Ends the session. May be repeated, also after the end. */
  @Override
  public void close() {
    responses.close();
  }

  private OutputChunk received(Message response) {
    var oneof = response.getDescriptorForType().getRealOneofs().get(0);
    var field = response.getOneofFieldDescriptor(oneof);
    Object record = field == null ? null : response.getField(field);
    if (record instanceof OutputChunk output) {
      return output;
    } else if (record instanceof DroppedOutput dropped) {
      droppedBytes += dropped.getBytes();
    } else if (record instanceof SessionStarted news) {
      started = news;
    } else if (record instanceof SessionEnd news) {
      end = news;
    }
    return null;
  }

  private static ByteString bytes(ByteArrayOutputStream output) {
    return ByteString.copyFrom(output.toByteArray());
  }
}
