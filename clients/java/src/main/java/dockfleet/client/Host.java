package dockfleet.client;

import dockfleet.v1.ExecStart;
import dockfleet.v1.LogEntry;
import dockfleet.v1.StreamLogsRequest;
import dockfleet.v1.StreamLogsResponse;
import java.io.InputStream;
import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

/** One host: the services of the contract, and shortcuts. {@code host} in requests is filled in. */
public final class Host extends HostServices {
  Host(Calls calls, String name) {
    super(calls, name);
  }

  /** The name of the host. */
  public String name() {
    return name;
  }

  /** The same host, whose calls have this deadline. Without one, the gateway's own limits hold. */
  public Host withTimeout(Duration timeout) {
    return new Host(calls.withTimeout(timeout), name);
  }

  /**
   * The log of a container, entry by entry, across broken connections. What the engine has lost is an error with the
   * reason {@code GAP}, unless {@code strict} is false. {@code containers().streamLogs} also reports gaps, restarts and
   * the end.
   */
  public Responses<LogEntry> logs(String id, Consumer<StreamLogsRequest.Builder> fields) {
    Responses<StreamLogsResponse> responses =
        containers().streamLogs(request -> fields.accept(request.setStrict(true).setId(id)));
    return new Responses<>(
        new Responses.Source<>() {
          private Iterator<LogEntry> entries = Collections.emptyIterator();

          @Override
          public LogEntry read() {
            while (!entries.hasNext()) {
              if (!responses.hasNext()) {
                return null;
              }
              entries = responses.next().getBatch().getEntriesList().iterator();
            }
            return entries.next();
          }

          @Override
          public void cancel() {
            responses.close();
          }
        });
  }

  /**
   * Runs a command in a container and returns its result. All output is kept in memory; {@code exec().exec} streams it.
   * A command that fails throws nothing: see {@code exitCode}.
   */
  public Session.Result execute(String id, List<String> cmd) {
    try (Session session = exec().exec(start -> start.setId(id).addAllCmd(cmd))) {
      return session.result();
    }
  }

  /** The same, with {@code stdin} as the input of the command, and more fields, such as the user. */
  public Session.Result execute(String id, List<String> cmd, InputStream stdin, Consumer<ExecStart.Builder> fields) {
    try (Session session =
        exec().exec(start -> fields.accept(start.setId(id).addAllCmd(cmd).setAttachStdin(true)))) {
      return session.feed(stdin).result();
    }
  }
}
