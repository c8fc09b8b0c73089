package dockfleet.examples;

import com.google.protobuf.ByteString;
import com.google.protobuf.ProtocolMessageEnum;
import dockfleet.client.DockfleetException;
import dockfleet.client.Fleet;
import dockfleet.client.Selectors;
import dockfleet.fleet.v1.Host;
import dockfleet.v1.ContainerSummary;
import dockfleet.v1.Gap;
import dockfleet.v1.LogEntry;
import dockfleet.v1.SessionEnd;
import dockfleet.v1.StandardStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/** The testee of the conformance suite: see clients/conformance/README.md. */
public final class Testee {
  private final Fleet fleet;
  private final String[] words;
  private final List<String> cmd;

  private Testee(Fleet fleet, String[] words) {
    this.fleet = fleet;
    this.words = words;
    cmd = words.length > 3 ? Arrays.asList(words).subList(3, words.length) : List.of();
  }

  public static void main(String[] words) throws IOException, InterruptedException {
    int code = 0;
    try (Fleet fleet = Fleet.fromEnvironment()) {
      fleet.awaitConnected(Duration.ofSeconds(10)); // a deadline of half a second is for the call alone
      new Testee(fleet, words).run();
    } catch (DockfleetException error) {
      say(error);
      code = 1;
    } catch (IOException | IllegalArgumentException error) { // the environment does not fit together
      System.err.println(error);
      code = 2;
    }
    System.exit(code); // a read of standard input may be left waiting
  }

  private void run() throws IOException {
    switch (words[0]) {
      case "hosts" -> hosts();
      case "ps" -> ps();
      case "logs" -> logs(words[3]);
      case "events" -> events();
      case "stats" -> stats();
      case "exec" -> exec();
      case "run" -> runContainer();
      case "pull" -> pull();
      case "upload" -> upload();
      case "download" -> download();
      case "error" -> error();
      case "deadline" -> deadline();
      case "cancel" -> cancel();
      case "find" -> find();
      case "follow" -> follow();
      case "restart" -> restart();
      default -> System.exit(2);
    }
  }

  private dockfleet.client.Host host() {
    return fleet.host(words[1]);
  }

  private void hosts() {
    for (Host host : fleet.hosts().listHosts(all -> {}).getHostsList()) {
      say("host", host.getName(), word(host.getState(), host.getStateValue(), "HOST_STATE_"));
    }
  }

  private void ps() {
    for (Host host : fleet.hosts().listHosts(all -> {}).getHostsList()) {
      var found = fleet.host(host.getName()).containers().listContainers(request -> request.setAll(true));
      found.getContainersList().forEach(container -> say(host.getName(), container));
    }
  }

  private void logs(String count) {
    long left = wanted(count);
    try (var responses = host().containers().streamLogs(request -> request.setId(words[2]).setFollow(true))) {
      for (var response : responses) {
        if (response.hasGap()) {
          say(response.getGap());
        } else if (response.hasEnd()) {
          var end = response.getEnd();
          String reason = word(end.getReason(), end.getReasonValue(), "LOG_END_REASON_");
          say("end", reason, end.hasExitCode() ? end.getExitCode() : "unknown");
        }
        for (LogEntry entry : response.getBatch().getEntriesList()) {
          say("line", stream(entry), entry.getData().toStringUtf8());
          if (--left == 0) {
            return;
          }
        }
      }
    }
  }

  private void events() {
    long left = wanted(words[2]);
    try (var responses = host().system().streamEvents(request -> {})) {
      for (var response : responses) {
        if (response.hasGap()) {
          say(response.getGap());
        } else if (response.hasEvent()) {
          var event = response.getEvent();
          say("event", event.getType(), event.getAction(), event.getActor().getId());
          if (--left == 0) {
            return;
          }
        }
      }
    }
  }

  private void stats() {
    long left = wanted(words[3]);
    try (var responses = host().containers().streamStats(request -> request.setId(words[2]))) {
      for (var response : responses) {
        if (response.hasNotRunning()) {
          say("not-running");
        } else if (response.hasStats()) {
          say("stats", Long.toUnsignedString(response.getStats().getSummary().getMemoryBytes()));
          if (--left == 0) {
            return;
          }
        }
      }
    }
  }

  private void exec() {
    var result = host().execute(words[2], cmd, System.in, start -> {});
    sayOutput("stdout", result.stdout());
    sayOutput("stderr", result.stderr());
    sayExit(result.exitCode());
  }

  private void runContainer() {
    ByteString stdout = ByteString.EMPTY;
    ByteString stderr = ByteString.EMPTY;
    SessionEnd end = SessionEnd.getDefaultInstance();
    try (var responses =
        host()
            .containers()
            .runContainer(
                request -> {
                  var config = request.getConfigBuilder().setImage(words[2]).addAllCmd(cmd);
                  config.getHostConfigBuilder().setAutoRemove(true);
                })) {
      for (var response : responses) {
        if (response.hasEnd()) {
          end = response.getEnd();
        } else if (response.getOutput().getStream() == StandardStream.STANDARD_STREAM_STDERR) {
          stderr = stderr.concat(response.getOutput().getData());
        } else {
          stdout = stdout.concat(response.getOutput().getData());
        }
      }
    }
    sayOutput("stdout", stdout);
    sayOutput("stderr", stderr);
    say("exit", end.hasExitCode() ? end.getExitCode() : "unknown");
  }

  private void pull() {
    try (var responses = host().images().pullImage(request -> request.setImage(words[2]))) {
      responses.forEach(response -> say("progress", response.getProgress().getStatus()));
    }
    say("done");
  }

  private void upload() {
    host().containers().putContainerArchive(System.in, start -> start.setId(words[2]).setPath(words[3]));
    say("done");
  }

  private void download() throws IOException {
    long size = 0;
    try (var responses =
            host().containers().getContainerArchive(request -> request.setId(words[2]).setPath(words[3]));
        var bytes = responses.inputStream(response -> response.getData())) {
      byte[] piece = new byte[1 << 16];
      for (int read; (read = bytes.read(piece)) >= 0; ) {
        size += read;
      }
    }
    say("downloaded", size);
  }

  private void error() {
    var found = host().containers().inspectContainer(request -> request.setId(words[2]));
    say("container", found.getContainer().getName().replaceFirst("^/", ""));
  }

  private void deadline() {
    Duration timeout = Duration.ofMillis((long) (Double.parseDouble(words[3]) * 1000));
    var end = host().withTimeout(timeout).containers().waitContainer(request -> request.setId(words[2]));
    say("exit", end.hasExitCode() ? end.getExitCode() : "unknown");
  }

  private void cancel() {
    if (cmd.isEmpty()) {
      logs("1");
    } else {
      try (var session = host().exec().exec(start -> start.setId(words[2]).addAllCmd(cmd))) {
        sayOutput("stdout", session.iterator().next().getData());
      }
    }
    say("cancelled");
    hosts();
  }

  private void find() {
    var chosen = Selectors.containers(words[1]);
    try (var responses =
        fleet.all().findContainers(request -> request.setHosts(Selectors.allHosts()).setContainers(chosen))) {
      for (var response : responses) {
        for (var answer : response.getAnswersList()) {
          answer.getContainersList().forEach(container -> say(answer.getHost(), container));
        }
        for (var failed : response.getSummary().getFailuresList()) {
          say("failure", failed.getHost(), reason(failed.getFailure()));
        }
      }
    }
  }

  private void follow() {
    long left = wanted(words[2]);
    var chosen = Selectors.containersWith(words[1]);
    try (var responses =
        fleet
            .all()
            .streamLogs(
                request -> {
                  request.setHosts(Selectors.allHosts()).setContainers(chosen);
                  request.getRequestBuilder().setFollow(true);
                })) {
      for (var response : responses) {
        for (var record : response.getRecordsList()) {
          for (LogEntry entry : record.getBatch().getEntriesList()) {
            String text = entry.getData().toStringUtf8();
            say("line", record.getHost(), record.getContainerName(), stream(entry), text);
            if (--left == 0) {
              return;
            }
          }
        }
      }
    }
  }

  private void restart() {
    var chosen = Selectors.containersWith(words[1]);
    try (var responses =
        fleet.all().restartContainers(request -> request.setHosts(Selectors.allHosts()).setContainers(chosen))) {
      for (var response : responses) {
        for (var result : response.getResultsList()) {
          String what =
              switch (result.getResultCase()) {
                case RESPONSE -> "ok";
                case FAILURE -> reason(result.getFailure());
                default -> "skipped";
              };
          say("result", result.getTarget().getHost(), result.getTarget().getContainerName(), what);
        }
        if (response.hasSummary()) {
          var summary = response.getSummary();
          say("summary", summary.getSucceeded(), summary.getFailed(), summary.getSkipped());
        }
      }
    }
  }

  /** How many lines are wanted: 0 means all. */
  private static long wanted(String count) {
    long number = Long.parseLong(count);
    return number == 0 ? Long.MAX_VALUE : number;
  }

  /** The name of a value without its prefix, or its number. */
  private static String word(ProtocolMessageEnum value, int number, String prefix) {
    String name = value.toString();
    return name.equals("UNRECOGNIZED") ? String.valueOf(number) : name.replaceFirst(prefix, "");
  }

  private static String stream(LogEntry entry) {
    return word(entry.getStream(), entry.getStreamValue(), "STANDARD_STREAM_").toLowerCase();
  }

  private static String reason(dockfleet.v1.Failure failure) {
    return word(failure.getReason(), failure.getReasonValue(), "ERROR_REASON_");
  }

  private static void say(Object... words) {
    var text = new ArrayList<String>();
    Arrays.stream(words).forEach(word -> text.add(String.valueOf(word)));
    byte[] line = (String.join(" ", text) + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8);
    System.out.write(line, 0, line.length);
    System.out.flush();
  }

  private static void say(String host, ContainerSummary container) {
    String name = container.getNamesCount() > 0 ? container.getNames(0).replaceFirst("^/", "") : "";
    say("container", host, name, container.getState(), container.getSizeRwBytes());
  }

  private static void say(Gap gap) {
    say("gap", word(gap.getReason(), gap.getReasonValue(), "GAP_REASON_"), gap.getCount());
  }

  private static void sayOutput(String kind, ByteString data) {
    data.toStringUtf8().lines().forEach(line -> say(kind, line));
  }

  private static void sayExit(OptionalLong code) {
    say("exit", code.isPresent() ? code.getAsLong() : "unknown");
  }

  private static void say(DockfleetException error) {
    System.err.println(error.getMessage());
    String reason = error.reason().isEmpty() ? "-" : error.reason();
    String host = error.host().isEmpty() ? "-" : error.host();
    say("error", error.code(), reason, host, error.retrySafe());
    error.resource().ifPresent(resource -> say("resource", resource.kind(), resource.name()));
    error.violations().forEach(violation -> say("violation", violation.field()));
    error.retryAfter().ifPresent(after -> say("retry-after", after.toSeconds()));
  }
}
