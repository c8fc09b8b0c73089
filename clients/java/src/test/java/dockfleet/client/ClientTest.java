package dockfleet.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.ErrorInfo;
import dockfleet.fleet.v1.LabelOperator;
import dockfleet.v1.ContainerServiceGrpc;
import dockfleet.v1.ExportContainerRequest;
import dockfleet.v1.ExportContainerResponse;
import dockfleet.v1.LogBatch;
import dockfleet.v1.LogEntry;
import dockfleet.v1.PutContainerArchiveRequest;
import dockfleet.v1.PutContainerArchiveResponse;
import dockfleet.v1.StreamLogsRequest;
import dockfleet.v1.StreamLogsResponse;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What needs no gateway; the conformance suite shows the rest. */
final class ClientTest {
  private static final ByteString TOKEN = ByteString.copyFromUtf8("token");

  @Test
  void aBrokenConnectionIsResumedWhateverTheLibraryCallsIt() {
    for (Status status : List.of(Status.UNAVAILABLE, Status.UNKNOWN, Status.CANCELLED, Status.INTERNAL)) {
      assertTrue(Resuming.mayResume(DockfleetException.of(status.asException())));
    }
    assertFalse(Resuming.mayResume(DockfleetException.of(Status.DEADLINE_EXCEEDED.asException())));
  }

  @Test
  void whatTheGatewaySaysDecidesWhenItSaysSomething() {
    assertTrue(Resuming.mayResume(failure(Status.Code.UNAVAILABLE, "HOST_UNREACHABLE", "false")));
    assertTrue(Resuming.mayResume(failure(Status.Code.DEADLINE_EXCEEDED, "HOST_TIMEOUT", "true")));
    assertTrue(Resuming.mayResume(failure(Status.Code.RESOURCE_EXHAUSTED, "SLOW_READER", "false")));
    assertFalse(Resuming.mayResume(failure(Status.Code.INTERNAL, "INTERNAL", "false")));
  }

  @Test
  void theNextCallHasTheTokenInPlaceOfWhereTheFirstBegan() {
    var token = ByteString.copyFromUtf8("t1");
    var first = StreamLogsRequest.newBuilder().setHost("a").setId("web").setTail(10).setFollow(true).build();
    var response = StreamLogsResponse.newBuilder().setResumeToken(token).setContainerId("c0ffee").build();
    var field = response.getDescriptorForType().findFieldByName("resume_token");

    var next = Resuming.continued(first, response, field);

    assertEquals(first.toBuilder().clearTail().setId("c0ffee").setResumeToken(token).build(), next);
  }

  @Test
  void theTextOfALabelSaysWhatItMustBe() {
    assertEquals(LabelOperator.LABEL_OPERATOR_EQUAL, Selectors.label("app=shop").getOperator());
    assertEquals(LabelOperator.LABEL_OPERATOR_NOT_EQUAL, Selectors.label("app != shop").getOperator());
    assertEquals(List.of("north", "south"), Selectors.label("site in (north, south)").getValuesList());
    assertEquals(LabelOperator.LABEL_OPERATOR_NOT_IN, Selectors.label("site notin (north)").getOperator());
    assertEquals(LabelOperator.LABEL_OPERATOR_EXISTS, Selectors.label("app").getOperator());
    assertEquals(LabelOperator.LABEL_OPERATOR_NOT_EXISTS, Selectors.label("!app").getOperator());
    assertThrows(IllegalArgumentException.class, () -> Selectors.label("!app=shop"));
  }

  @Test
  void optionsThatDoNotFitTogetherAreRefused() {
    var file = Path.of("cert.pem");
    assertThrows(IllegalArgumentException.class, () -> new ConnectOptions(false, null, file, null, null));
    assertThrows(IllegalArgumentException.class, () -> new ConnectOptions(false, null, null, null, "secret"));
    assertThrows(
        IllegalArgumentException.class, () -> Fleet.connect("http://127.0.0.1:1", ConnectOptions.PLAINTEXT));
    for (String address : List.of("", " ", "a:", "a:http", "a:0", "a:65536", "a b", "a/b", "u@a:1", ":1")) {
      assertThrows(IllegalArgumentException.class, () -> Fleet.connect(address, ConnectOptions.PLAINTEXT), address);
    }
  }

  @Test
  @Timeout(60)
  void aLogWhoseFleetIsClosedFailsAtOnce() throws Exception {
    var service =
        new ContainerServiceGrpc.ContainerServiceImplBase() {
          @Override
          public void streamLogs(StreamLogsRequest request, StreamObserver<StreamLogsResponse> responses) {
            var batch = LogBatch.newBuilder().addEntries(LogEntry.getDefaultInstance());
            responses.onNext(StreamLogsResponse.newBuilder().setResumeToken(TOKEN).setBatch(batch).build());
          }
        };
    var server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()).addService(service).build().start();
    try (var fleet = Fleet.connect("127.0.0.1:" + server.getPort(), ConnectOptions.PLAINTEXT)) {
      var log = fleet.withRetry(Duration.ofHours(1)).host("a").logs("web", request -> {}).iterator();
      log.next();
      fleet.close();
      assertThrows(DockfleetException.class, log::next);
    } finally {
      server.shutdownNow();
    }
  }

  @Test
  @Timeout(60)
  void aSourceThatFailsCancelsTheUploadAndItsErrorIsThrown() throws Exception {
    var cancelled = new CountDownLatch(1);
    var service =
        new ContainerServiceGrpc.ContainerServiceImplBase() {
          @Override
          public StreamObserver<PutContainerArchiveRequest> putContainerArchive(
              StreamObserver<PutContainerArchiveResponse> responses) {
            ((ServerCallStreamObserver<?>) responses).setOnCancelHandler(cancelled::countDown);
            return new Requests<>(responses);
          }
        };
    var server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()).addService(service).build().start();
    var source =
        new InputStream() {
          @Override
          public int read() {
            throw new IllegalStateException("no more");
          }
        };
    try (var fleet = Fleet.connect("127.0.0.1:" + server.getPort(), ConnectOptions.PLAINTEXT)) {
      var containers = fleet.host("a").containers();
      var error =
          assertThrows(IllegalStateException.class, () -> containers.putContainerArchive(source, start -> start.setId("web")));
      assertEquals("no more", error.getMessage());
      cancelled.await();
    } finally {
      server.shutdownNow();
    }
  }

  @Test
  @Timeout(60)
  void aDownloadThatIsClosedIsCancelled() throws Exception {
    var cancelled = new CountDownLatch(1);
    var service =
        new ContainerServiceGrpc.ContainerServiceImplBase() {
          @Override
          public void exportContainer(ExportContainerRequest request, StreamObserver<ExportContainerResponse> responses) {
            ((ServerCallStreamObserver<?>) responses).setOnCancelHandler(cancelled::countDown);
            responses.onNext(ExportContainerResponse.newBuilder().setData(TOKEN).build());
          }
        };
    var server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()).addService(service).build().start();
    try (var fleet = Fleet.connect("127.0.0.1:" + server.getPort(), ConnectOptions.PLAINTEXT)) {
      var responses = fleet.host("a").containers().exportContainer(request -> request.setId("web"));
      try (var bytes = responses.inputStream(ExportContainerResponse::getData)) {
        assertEquals('t', bytes.read());
      }
      cancelled.await();
    } finally {
      server.shutdownNow();
    }
  }

  /** Takes requests, and answers when they end. */
  private record Requests<Q, R>(StreamObserver<R> responses) implements StreamObserver<Q> {
    @Override
    public void onNext(Q request) {}

    @Override
    public void onError(Throwable error) {}

    @Override
    public void onCompleted() {
      responses.onCompleted();
    }
  }

  private static DockfleetException failure(Status.Code code, String reason, String retrySafe) {
    var info = ErrorInfo.newBuilder().setDomain("dockfleet").setReason(reason).putMetadata("retry_safe", retrySafe);
    var status = com.google.rpc.Status.newBuilder().setCode(code.value()).addDetails(Any.pack(info.build()));
    return DockfleetException.of(StatusProto.toStatusException(status.build()));
  }
}
