// Tour lists the containers of a host, follows the log of one of them, and runs a command in it.
//
//	go run ./examples/tour [-address 127.0.0.1:50051] [-lines 10] [-container NAME] HOST [COMMAND [ARGUMENT...]]
//
// The command reads the tour's own standard input:
//
//	echo hello | go run ./examples/tour north wc -c
//
// Only the generated package dockfleetv1, gRPC and the standard library are used.  Take from here what you need.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/dockfleet/dockfleet/clients/go/dockfleetv1"
)

func main() {
	address := flag.String("address", "127.0.0.1:50051", "where the gateway listens")
	container := flag.String("container", "", "which container to visit; the newest running one when empty")
	lines := flag.Int("lines", 10, "how many lines of its log to follow")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("usage: tour [flags] HOST [COMMAND [ARGUMENT...]]")
	}
	host, command := flag.Arg(0), flag.Args()[1:]

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	gateway, err := dial(*address)
	if err != nil {
		log.Fatal(err)
	}
	defer gateway.Close()

	code, err := tour(ctx, gateway, host, *container, *lines, command)
	if err != nil {
		log.Fatal(explain(err))
	}
	os.Exit(code)
}

// dial returns a connection to a gateway on this machine.  Elsewhere it needs TLS: credentials.NewTLS in place of
// insecure.NewCredentials.  Nothing is sent before the first call.
func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20))) // gRPC's own 4 MiB hold a list of some 2,000
}

// tour shows what there is on the host, and returns the exit code of the command.
func tour(ctx context.Context, gateway *grpc.ClientConn, host, id string, lines int, command []string) (int, error) {
	containers := pb.NewContainerServiceClient(gateway)

	running, err := list(ctx, containers, host)
	if err != nil {
		return 0, err
	}
	for _, each := range running {
		fmt.Printf("%.12s  %-24s  %-30s  %s\n", each.Id, each.Names[0], each.Image, each.Status)
	}
	if id == "" {
		if len(running) == 0 {
			return 0, fmt.Errorf("no container runs on %s", host)
		}
		id = running[0].Id
	}

	err = follow(ctx, containers, host, id, lines, func(line *pb.LogEntry) {
		fmt.Printf("%s  %s\n", line.Time.AsTime().Local().Format(time.StampMilli), line.Data)
	})
	if err != nil || len(command) == 0 {
		return 0, err
	}

	start := &pb.ExecStart{Host: host, Id: id, Cmd: command}
	code, err := execute(ctx, pb.NewExecServiceClient(gateway), start, os.Stdin, os.Stdout, os.Stderr)
	if err == nil {
		fmt.Printf("exit code %d\n", code)
	}
	return code, err
}

// list returns the containers that run on a host, the newest first.
func list(ctx context.Context, containers pb.ContainerServiceClient, host string) ([]*pb.ContainerSummary, error) {
	answer, err := containers.ListContainers(ctx, &pb.ListContainersRequest{Host: host})
	return answer.GetContainers(), err
}

// follow hands on the last lines of a container's log, and waits for more until there were as many as asked for, or
// the container has ended.
func follow(
	ctx context.Context, containers pb.ContainerServiceClient, host, id string, lines int, show func(*pb.LogEntry),
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the only way to end a stream that the server does not end

	batches, err := containers.StreamLogs(ctx, &pb.StreamLogsRequest{
		Host:       host,
		Id:         id,
		Follow:     new(true),
		Timestamps: new(true),
		Tail:       new(uint32(lines)),
	})
	if err != nil {
		return err
	}
	for lines > 0 {
		batch, err := batches.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for _, entry := range batch.Entries[:min(lines, len(batch.Entries))] {
			show(entry)
			lines--
		}
	}
	return nil
}

// execute runs a command in a container and returns its exit code.  The end of stdin is the end of the command's
// input, and not of the call: what it still writes arrives.
//
// A read from stdin that does not return is left behind, as it is by os/exec.
func execute(
	ctx context.Context, execs pb.ExecServiceClient, start *pb.ExecStart, stdin io.Reader, stdout, stderr io.Writer,
) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil) // ends the call, not the process: the Engine can not kill an exec

	call, err := execs.Exec(ctx)
	if err != nil {
		return 0, err
	}
	start.AttachStdin = new(true)
	go func() {
		if err := send(call, start, stdin); err != nil {
			cancel(err)
		}
	}()

	var exit *pb.ExecExit
	for {
		frame, err := call.Recv()
		switch {
		case err == io.EOF && exit != nil && exit.ExitCode != nil:
			return int(*exit.ExitCode), nil
		case err == io.EOF:
			return 0, fmt.Errorf("the exit code is not known: %s", exit.GetUnknownReason())
		case err != nil && context.Cause(ctx) != nil:
			return 0, context.Cause(ctx)
		case err != nil:
			return 0, err
		}
		switch frame := frame.Frame.(type) {
		case *pb.ExecResponse_Output:
			to := stdout
			if frame.Output.Stream == pb.Stream_STREAM_STDERR {
				to = stderr
			}
			if _, err := to.Write(frame.Output.Data); err != nil {
				return 0, err
			}
		case *pb.ExecResponse_Exit:
			exit = frame.Exit
		}
	}
}

// send says what to run, sends stdin to its end, and half-closes the call.  Why a send fails, Recv tells; the only
// error of its own is one of stdin.
func send(call pb.ExecService_ExecClient, start *pb.ExecStart, stdin io.Reader) error {
	if call.Send(&pb.ExecRequest{Frame: &pb.ExecRequest_Start{Start: start}}) != nil {
		return nil
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := stdin.Read(buffer)
		if n > 0 && call.Send(&pb.ExecRequest{Frame: &pb.ExecRequest_Stdin{Stdin: buffer[:n]}}) != nil {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return call.CloseSend()
		}
		if err != nil {
			return fmt.Errorf("reading the input: %w", err)
		}
	}
}

// explain puts an error into words: what went wrong, the reason to decide by, and the host.
func explain(err error) string {
	info := errorInfo(err)
	if info == nil {
		return err.Error() // not from the gateway, such as when it could not be reached
	}
	failed := status.Convert(err)
	return fmt.Sprintf("%s: %s (host %q, %s)", info.Reason, failed.Message(), info.Metadata["host"], failed.Code())
}

// errorInfo returns what the gateway says of a failed call: Reason is one of pb.ErrorReason without its prefix, and
// the metadata hold host, engine_status and retry_safe.  It is nil for errors that are not the gateway's.
func errorInfo(err error) *errdetails.ErrorInfo {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.Domain == "dockfleet" {
			return info
		}
	}
	return nil
}
