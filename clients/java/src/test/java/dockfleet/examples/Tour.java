package dockfleet.examples;

import dockfleet.client.DockfleetException;
import dockfleet.client.Fleet;
import dockfleet.client.Host;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** A tour of the client: {@code Tour HOST CONTAINER IMAGE}. */
public final class Tour {
  private final Fleet fleet;
  private final Host host;
  private final String container;
  private final String image;

  private Tour(Fleet fleet, String[] words) {
    this.fleet = fleet;
    host = fleet.host(words[0]);
    container = words[1];
    image = words[2];
  }

  public static void main(String[] words) throws IOException {
    try (Fleet fleet = Fleet.fromEnvironment()) {
      var tour = new Tour(fleet, words);
      tour.list();
      tour.logs();
      tour.exec();
      tour.run();
      tour.pull();
      tour.fail();
      tour.cancel();
    } catch (DockfleetException error) {
      System.err.printf("%s %s: %s%n", error.code(), error.reason(), error.getMessage());
      System.exit(1);
    }
  }

  /** The hosts of the fleet, and the containers of one. */
  private void list() {
    for (var each : fleet.hosts().listHosts(all -> {}).getHostsList()) {
      // getState() of a newer gateway's state is UNRECOGNIZED.
      System.out.printf("host %s %s%n", each.getName(), each.getState().name().replace("HOST_STATE_", ""));
    }
    for (var each : host.containers().listContainers(request -> request.setAll(true)).getContainersList()) {
      System.out.printf("container %s %s%n", each.getNames(0).substring(1), each.getState());
    }
  }

  /** Two lines of the log. It continues when the gateway restarts, or the connection breaks. */
  private void logs() {
    int left = 2;
    try (var log = host.logs(container, request -> request.setFollow(true).setTail(2))) {
      for (var entry : log) {
        System.out.printf("line %s%n", entry.getData().toStringUtf8());
        if (--left == 0) {
          return; // leaving the block cancels the call
        }
      }
    }
  }

  /** A command with input, output and an exit code. */
  private void exec() {
    var stdin = new ByteArrayInputStream("hello\n".getBytes());
    var result = host.execute(container, List.of("wc", "-c"), stdin, start -> {});
    System.out.printf("exec %s %d%n", result.stdout().toStringUtf8().strip(), result.exitCode().orElseThrow());
  }

  /** A new container: its output, and its exit code. */
  private void run() {
    var output = new StringBuilder();
    try (var responses =
        host.containers()
            .runContainer(
                request -> {
                  var config = request.getConfigBuilder().setImage(image);
                  config.addAllCmd(List.of("sh", "-c", "echo hello; exit 3"));
                  config.getHostConfigBuilder().setAutoRemove(true);
                })) {
      for (var response : responses) { // records that are newer than this program have none of these
        output.append(response.getOutput().getData().toStringUtf8());
        if (response.hasEnd()) {
          System.out.printf("run %s %d%n", output.toString().strip(), response.getEnd().getExitCode());
        }
      }
    }
  }

  /** A pull, with its progress. */
  private void pull() {
    try (var reports = host.images().pullImage(request -> request.setImage(image))) {
      reports.forEach(report -> {});
      System.out.println("pull done");
    } catch (DockfleetException error) {
      System.out.printf("pull %s%n", error.reason());
    }
  }

  /** Failures: an object that is not there, and a deadline. */
  private void fail() {
    try {
      host.containers().inspectContainer(request -> request.setId("no-such-container"));
    } catch (DockfleetException error) {
      System.out.printf("error %s %s%n", error.code(), error.reason());
    }
    try {
      host.withTimeout(Duration.ofMillis(500)).containers().waitContainer(request -> request.setId(container));
    } catch (DockfleetException error) {
      System.out.printf("deadline %s%n", error.code());
    }
  }

  /** Leaving a session: closing it cancels the call, and kills the command. */
  private void cancel() {
    var cmd = List.of("sh", "-c", "echo started; sleep 1000");
    try (var session = host.exec().exec(start -> start.setId(container).addAllCmd(cmd))) {
      session.iterator().next();
    }
    System.out.println("cancelled");
  }
}
