package dockfleet.client;

import com.google.protobuf.ByteString;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.Enumeration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Function;

/**
 * The responses of a call. {@link #close} ends the call; any thread may do that, and the iteration then ends. The
 * iteration throws {@link DockfleetException} when the call fails, also after responses.
 */
public final class Responses<T> implements Iterable<T>, Iterator<T>, AutoCloseable {
  /** Where the responses come from. */
  interface Source<T> {
    /** The next response; null at the end. */
    T read() throws DockfleetException;

    /** Ends the call. */
    void cancel();
  }

  private final Source<T> source;
  private volatile boolean closed;
  private T next;

  Responses(Source<T> source) {
    this.source = source;
  }

  @Override
  public boolean hasNext() {
    if (next == null && !closed) {
      try {
        next = source.read();
      } catch (DockfleetException error) {
        if (!closed) {
          throw error;
        }
      }
    }
    return next != null;
  }

  @Override
  public T next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    T response = next;
    next = null;
    return response;
  }

  @Override
  public Iterator<T> iterator() {
    return this;
  }

  /** Ends the call. May be repeated, also after the end. */
  @Override
  public void close() {
    closed = true;
    source.cancel();
  }

  /**
   * The bytes in the responses of a download: {@code responses.inputStream(ExportContainerResponse::getData)}. To close
   * it ends the call.
   */
  public InputStream inputStream(Function<T, ByteString> data) {
    var pieces =
        new Enumeration<InputStream>() {
          @Override
          public boolean hasMoreElements() {
            return hasNext();
          }

          @Override
          public InputStream nextElement() {
            return data.apply(Responses.this.next()).newInput();
          }
        };
    return new SequenceInputStream(pieces) {
      @Override
      public void close() { // it would read the rest
        Responses.this.close();
      }
    };
  }
}
