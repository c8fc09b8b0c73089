// Tour lists the containers of a host, follows the log of one of them, and runs a command in it.
//
//	go run ./examples/tour [-address 127.0.0.1:50051] [-container NAME] [-lines 10] HOST [COMMAND [ARGUMENT...]]
//
// The command reads the tour's standard input:
//
//	echo hello | go run ./examples/tour north wc -c
//
// It is made of the generated package, gRPC and the standard library, to be copied from.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	dockfleet "dockfleet.internal/go/dockfleetv1"
)

func main() {
	address := flag.String("address", "127.0.0.1:50051", "where the gateway listens")
	container := flag.String("container", "", "the container to visit; the newest that runs when empty")
	lines := flag.Int("lines", 10, "how many lines of its log to follow")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("usage: tour [flags] HOST [COMMAND [ARGUMENT...]]")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	gateway, err := dial(*address)
	if err != nil {
		log.Fatal(err)
	}
	defer gateway.Close()

	if err := tour(ctx, gateway, flag.Arg(0), *container, *lines, flag.Args()[1:]); err != nil {
		log.Fatal(explain(err))
	}
}

// dial makes a connection to a gateway on this machine.  To one elsewhere it takes credentials.NewTLS in place of
// insecure.NewCredentials.  Nothing is sent before the first call.
func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)), // a long list is more than gRPC's own 4 MiB
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 20 * time.Second}))
}

// reconnect is how soon a gateway that was away is found again: gRPC's own two minutes would outlast any restart.
var reconnect = backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}

func tour(ctx context.Context, gateway *grpc.ClientConn, host, id string, lines int, command []string) error {
	containers := dockfleet.NewContainerServiceClient(gateway)
	execs := dockfleet.NewExecServiceClient(gateway)

	running, err := list(ctx, containers, host)
	if err != nil {
		return err
	}
	for _, each := range running {
		fmt.Printf("%.12s  %s  %s  %s\n", each.Id, strings.Join(each.Names, ","), each.Image, each.Status)
	}
	if id == "" {
		if len(running) == 0 {
			return fmt.Errorf("no container runs on %s", host)
		}
		id = running[0].Id
	}

	err = follow(ctx, containers, host, id, lines, func(line *dockfleet.LogEntry) {
		fmt.Printf("%s  %s\n", line.Time.AsTime().Local().Format(time.StampMilli), line.Data)
	})
	if err != nil || len(command) == 0 {
		return err
	}

	start := &dockfleet.ExecStart{Host: host, Id: id, Cmd: command, AttachStdin: proto.Bool(true)}
	code, err := execute(ctx, execs, start, os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Printf("exit code %d\n", code)
	return nil
}

// list returns the containers that run on a host, the newest first.
func list(
	ctx context.Context, containers dockfleet.ContainerServiceClient, host string,
) ([]*dockfleet.ContainerSummary, error) {
	answer, err := containers.ListContainers(ctx, &dockfleet.ListContainersRequest{Host: host})
	return answer.GetContainers(), err
}

// patience is how long follow waits for a gateway, or a host, that is away.
const patience = time.Minute

// follow shows the last lines of a container's log, and waits for more until there were as many as asked for, or the
// container has ended.  When the gateway is restarted meanwhile, or the way to it breaks, the log goes on with the very
// next line: nothing is lost, and nothing is shown twice.
func follow(
	ctx context.Context, containers dockfleet.ContainerServiceClient,
	host, id string, lines int, show func(*dockfleet.LogEntry),
) error {
	request := &dockfleet.StreamLogsRequest{
		Host:       host,
		Id:         id,
		Follow:     proto.Bool(true),
		Timestamps: proto.Bool(true),
		Tail:       proto.Uint32(uint32(lines)),
		Strict:     proto.Bool(true), // lines that the engine has lost are an error, DATA_LOSS, instead of a message
	}
	news := time.Now()
	for {
		err := read(ctx, containers, request, func(response *dockfleet.StreamLogsResponse) (more bool) {
			// A heartbeat has no entries, and neither has a record that is newer than this program.
			entries := response.GetBatch().GetEntries()
			for _, entry := range entries[:min(lines, len(entries))] {
				show(entry)
				lines--
			}
			// Kept after the response was dealt with.  A program that goes on after its own restart keeps it on disk,
			// together with what it made of the response.
			request.ResumeToken, request.Tail = response.ResumeToken, nil
			request.Id = response.ContainerId // the name may be another container's by now
			news = time.Now()
			return lines > 0
		})
		// What never began is not waited for.
		if err == nil || len(request.ResumeToken) == 0 || !mayResume(ctx, err) || time.Since(news) > patience {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause(err)):
		}
	}
}

// mayResume tells whether a stream that failed with err can go on with its last token.  The rule is the contract's: see
// the beginning of common.proto.
func mayResume(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false // this program cancelled the call, or its own deadline ran out
	}
	code, info := status.Code(err), errorInfo(err)
	if info == nil { // the connection to the gateway broke: libraries and proxies have different words for it
		return slices.Contains([]codes.Code{codes.Unavailable, codes.Unknown, codes.Canceled, codes.Internal}, code)
	}
	return code == codes.Unavailable || info.Metadata["retry_safe"] == "true" || info.Reason == "SLOW_READER"
}

// pause is how long to wait before the next call: a second, or longer where the gateway says so.
func pause(err error) time.Duration {
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			return max(time.Second, retry.RetryDelay.AsDuration())
		}
	}
	return time.Second
}

// read hands the responses of one call on until the log has ended, or no more are wanted.
func read(
	ctx context.Context, containers dockfleet.ContainerServiceClient,
	request *dockfleet.StreamLogsRequest, more func(*dockfleet.StreamLogsResponse) bool,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the only way to leave a stream before its end

	responses, err := containers.StreamLogs(ctx, request)
	if err != nil {
		return err
	}
	for {
		response, err := responses.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !more(response) || response.GetEnd() != nil {
			return nil
		}
	}
}

// execute runs a command in a container and returns its exit code.  The end of stdin ends the command's input, and
// not the call: what the command goes on to write still arrives.
//
// When the command ends first, a read of stdin may be left waiting, as with os/exec.
func execute(
	ctx context.Context, execs dockfleet.ExecServiceClient,
	start *dockfleet.ExecStart, stdin io.Reader, stdout, stderr io.Writer,
) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil) // ends the call if need be, and with it the process: see ExecStart.OnDisconnect

	call, err := execs.Exec(ctx)
	if err != nil {
		return 0, err
	}
	go func() {
		if err := send(call, start, stdin); err != nil {
			cancel(err)
		}
	}()

	var end *dockfleet.SessionEnd
	for {
		response, err := call.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, cmp.Or(context.Cause(ctx), err)
		}
		switch record := response.Record.(type) { // the others are no news here, also those that are newer than this
		case *dockfleet.ExecResponse_Output:
			out := stdout
			if record.Output.Stream == dockfleet.StandardStream_STANDARD_STREAM_STDERR {
				out = stderr
			}
			if _, err := out.Write(record.Output.Data); err != nil {
				return 0, err
			}
		case *dockfleet.ExecResponse_End:
			end = record.End
		}
	}
	if end == nil || end.ExitCode == nil {
		return 0, fmt.Errorf("the exit code is not known: %s", end.GetUnknownReason())
	}
	return int(*end.ExitCode), nil
}

// send sends the requests of an Exec: what to run, its input, and the half-close at the end of it.  It fails only if
// stdin does; why a call broke off is what its Recv returns.
func send(call dockfleet.ExecService_ExecClient, start *dockfleet.ExecStart, stdin io.Reader) error {
	request := &dockfleet.ExecRequest{Frame: &dockfleet.ExecRequest_Start{Start: start}}
	for call.Send(request) == nil {
		buffer := make([]byte, 32<<10) // a new one each time: gRPC may look at a message after Send
		n, err := stdin.Read(buffer)
		if err == io.EOF {
			return call.CloseSend()
		}
		if err != nil {
			return fmt.Errorf("reading the command's input: %w", err)
		}
		request = &dockfleet.ExecRequest{Frame: &dockfleet.ExecRequest_Stdin{Stdin: buffer[:n]}}
	}
	return nil
}

// explain puts a failure into words: what went wrong, the reason to decide by, and the host it was about.
func explain(err error) string {
	info := errorInfo(err)
	if info == nil {
		return err.Error() // not the gateway's, such as when it could not be reached
	}
	call := status.Convert(err)
	return fmt.Sprintf("%s (%s, %s, host %q)", call.Message(), call.Code(), info.Reason, info.Metadata["host"])
}

// errorInfo returns what the gateway tells about a failed call, and nil for any other error.  Reason is the name of an
// ErrorReason of the contract without its prefix; the metadata hold host, engine_status, request_id and retry_safe.
func errorInfo(err error) *errdetails.ErrorInfo {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.Domain == "dockfleet" {
			return info
		}
	}
	return nil
}
