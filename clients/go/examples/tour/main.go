// Tour shows what the client does:
//
//	DOCKFLEET_ADDRESS=127.0.0.1:50051 go run ./examples/tour HOST CONTAINER IMAGE
//
// CONTAINER runs on HOST, has a shell, and writes lines.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	rpccode "google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"dockfleet.internal/go/dockfleet"
	"dockfleet.internal/go/dockfleetv1"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: tour HOST CONTAINER IMAGE")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := tour(ctx, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(explain(err))
	}
}

func tour(ctx context.Context, name, container, image string) error {
	fleet, err := dockfleet.DialEnvironment()
	if err != nil {
		return err
	}
	defer fleet.Close()
	host := fleet.Host(name)

	steps := []func() error{
		func() error { return list(ctx, fleet, host) },
		func() error { return follow(ctx, host, container) },
		func() error { return command(ctx, host, container) },
		func() error { return run(ctx, host, image) },
		func() error { return pull(ctx, host, image) },
		func() error { return missing(ctx, host) },
		func() error { return deadline(ctx, host, container) },
		func() error { return cancelled(ctx, host, container) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func list(ctx context.Context, fleet *dockfleet.Fleet, host *dockfleet.Host) error {
	hosts, err := fleet.ListHosts(ctx, nil)
	if err != nil {
		return err
	}
	for _, each := range hosts.Hosts {
		fmt.Println("host", each.Name, strings.TrimPrefix(each.State.String(), "HOST_STATE_"))
	}
	containers, err := host.ListContainers(ctx, &dockfleetv1.ListContainersRequest{All: proto.Bool(true)})
	for _, each := range containers.GetContainers() {
		fmt.Println("container", strings.TrimPrefix(each.Names[0], "/"), each.State)
	}
	return err
}

// follow shows two lines of a log.  It continues when the gateway is restarted: no line is lost, and none comes twice.
func follow(ctx context.Context, host *dockfleet.Host, container string) error {
	request := &dockfleetv1.StreamLogsRequest{Id: container, Follow: proto.Bool(true), Tail: proto.Uint32(2)}
	lines := 0
	for line, err := range host.Logs(ctx, request) {
		if err != nil {
			return err
		}
		fmt.Printf("line %s\n", line.Data)
		if lines++; lines == 2 {
			break // cancels the call
		}
	}
	return nil
}

func command(ctx context.Context, host *dockfleet.Host, container string) error {
	command := host.Command(ctx, container, "wc", "-c")
	command.Stdin = strings.NewReader("hello\n")
	output, err := command.Output() // an exit code other than 0 is a *dockfleet.ExitError
	if err == nil {
		fmt.Println("exec", strings.TrimSpace(string(output)), 0)
	}
	return err
}

func run(ctx context.Context, host *dockfleet.Host, image string) error {
	request := &dockfleetv1.RunContainerRequest{Config: &dockfleetv1.ContainerSpec{
		Image:      &image,
		Cmd:        []string{"sh", "-c", "echo hello; exit 3"},
		HostConfig: &dockfleetv1.HostConfig{AutoRemove: proto.Bool(true)},
	}}
	var output bytes.Buffer
	for response, err := range host.RunContainer(ctx, request) {
		if err != nil {
			return err
		}
		output.Write(response.GetOutput().GetData())
		if end := response.GetEnd(); end != nil {
			fmt.Println("run", strings.TrimSpace(output.String()), end.GetExitCode())
		}
	}
	return nil
}

func pull(ctx context.Context, host *dockfleet.Host, image string) error {
	for response, err := range host.PullImage(ctx, &dockfleetv1.PullImageRequest{Image: image}) {
		var failure *dockfleet.Error
		if errors.As(err, &failure) {
			fmt.Println("pull", failure.Reason)
			return nil
		}
		fmt.Fprintln(os.Stderr, response.GetProgress().GetStatus())
	}
	fmt.Println("pull done")
	return nil
}

func missing(ctx context.Context, host *dockfleet.Host) error {
	_, err := host.InspectContainer(ctx, &dockfleetv1.InspectContainerRequest{Id: "no-such-container"})
	if errors.Is(err, dockfleet.ReasonNotFound) {
		fmt.Println("error", code(err), dockfleet.ReasonNotFound)
		return nil
	}
	return err
}

func deadline(ctx context.Context, host *dockfleet.Host, container string) error {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	_, err := host.WaitContainer(ctx, &dockfleetv1.WaitContainerRequest{Id: container})
	fmt.Println("deadline", code(err))
	return nil
}

func cancelled(ctx context.Context, host *dockfleet.Host, container string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := &dockfleetv1.ExecStart{Id: container, Cmd: []string{"sh", "-c", "echo started; sleep 1000"}}
	session, err := host.Exec(ctx, start)
	if err != nil {
		return err
	}
	for _, err := range session.Output() {
		if err == nil {
			cancel() // ends the process too
		} else if errors.Is(err, context.Canceled) {
			fmt.Println("cancelled")
		} else {
			return err
		}
	}
	return nil
}

// code returns the code of a failure as gRPC writes it, such as NOT_FOUND.
func code(err error) string {
	return rpccode.Code(status.Code(err)).String()
}

func explain(err error) string {
	var failure *dockfleet.Error
	if !errors.As(err, &failure) {
		return err.Error()
	}
	return fmt.Sprintf("%s %s: %s", code(err), failure.Reason, failure.Message)
}
