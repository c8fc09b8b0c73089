package dockfleet.examples;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dockfleet.fleet.v1.Host;
import dockfleet.fleet.v1.HostServiceGrpc;
import dockfleet.fleet.v1.ListHostsRequest;
import dockfleet.v1.ContainerServiceGrpc;
import dockfleet.v1.ContainerSummary;
import dockfleet.v1.ListContainersRequest;
import io.grpc.Channel;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;

/** Prints "HOST NAME STATE" for the containers of the hosts given as arguments, or of all hosts. */
public final class ListContainers {
  private static final int MAX_MESSAGE_BYTES = 64 << 20; // a long list is larger than gRPC's own limit of 4 MiB

  private ListContainers() {}

  public static void main(String[] arguments) throws InvalidProtocolBufferException {
    String address = System.getenv().getOrDefault("DOCKFLEET_ADDRESS", "127.0.0.1:50051");
    ManagedChannel channel =
        Grpc.newChannelBuilder(address, InsecureChannelCredentials.create())
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .build();
    try {
      list(channel, List.of(arguments));
    } catch (StatusRuntimeException error) {
      System.err.println(error.getStatus().getCode() + reason(error) + ": " + error.getStatus().getDescription());
      System.exit(1);
    } finally {
      channel.shutdownNow();
    }
  }

  private static void list(Channel channel, List<String> hosts) {
    if (hosts.isEmpty()) {
      var response = HostServiceGrpc.newBlockingStub(channel).listHosts(ListHostsRequest.getDefaultInstance());
      hosts = response.getHostsList().stream().map(Host::getName).toList();
    }
    var containers = ContainerServiceGrpc.newBlockingStub(channel);
    for (String host : hosts) {
      var request = ListContainersRequest.newBuilder().setHost(host).setAll(true).build();
      for (ContainerSummary container : containers.listContainers(request).getContainersList()) {
        System.out.println(host + " " + name(container) + " " + container.getState());
      }
    }
  }

  /** The first name without its slash, or the id of a container that has no name any more. */
  private static String name(ContainerSummary container) {
    return container.getNamesCount() > 0 ? container.getNames(0).substring(1) : container.getId();
  }

  /** The reason that dockfleet gives, after a space; empty when the error does not come from the gateway. */
  private static String reason(StatusRuntimeException error) throws InvalidProtocolBufferException {
    for (var detail : StatusProto.fromThrowable(error).getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        ErrorInfo info = detail.unpack(ErrorInfo.class);
        if (info.getDomain().equals("dockfleet")) {
          return " " + info.getReason();
        }
      }
    }
    return "";
  }
}
