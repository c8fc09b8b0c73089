// Package dockfleet is the client of a dockfleet gateway, which serves many Docker hosts over gRPC.
//
//	fleet, err := dockfleet.Dial("127.0.0.1:50051")
//	if err != nil {
//		return err
//	}
//	defer fleet.Close()
//
//	host := fleet.Host("north")
//	answer, err := host.ListContainers(ctx, &dockfleetv1.ListContainersRequest{All: proto.Bool(true)})
//	...
//	for line, err := range host.Logs(ctx, &dockfleetv1.StreamLogsRequest{Id: "web", Follow: proto.Bool(true)}) {
//		...
//	}
//	output, err := host.Command(ctx, "web", "wc", "-c").Output()
//
// [Host] has every RPC of one host, and fills in the host.  [Fleet] has every RPC of many hosts and of the hosts
// themselves.  The messages are in the packages dockfleetv1 and dockfleetfleetv1.
//
// The method of an RPC has one of these forms:
//
//   - a call returns its response;
//   - a stream returns an iterator.  A failure is the last element.  Leaving the loop cancels the call.  Streams without
//     an end of their own, such as logs and events, continue when the gateway is restarted or a connection breaks:
//     nothing is lost, and nothing comes twice.  Their heartbeats, and records that this version does not know, are
//     left out;
//   - a download returns an [io.ReadCloser], and an upload takes an [io.Reader];
//   - a session with a process returns a [Session]; [Host.Command] is easier for commands.
//
// Every failed call returns an [*Error].  A deadline is that of the context.
package dockfleet
