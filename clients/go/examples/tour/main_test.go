package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	dockfleet "github.com/dockfleet/dockfleet/clients/go/dockfleetv1"
)

// place is where the tests run: a gateway, one of its hosts, and a container there that runs, has a shell and writes
// nothing by itself.
type place struct {
	gateway         *grpc.ClientConn
	host, container string
}

func here(t *testing.T) place {
	t.Helper()
	variable := func(name string) string {
		value := os.Getenv(name)
		if value == "" {
			t.Skipf("%s is not set: these tests need a gateway and a quiet container with a shell", name)
		}
		return value
	}
	address := variable("DOCKFLEET_TEST_ADDRESS")
	host, container := variable("DOCKFLEET_TEST_HOST"), variable("DOCKFLEET_TEST_CONTAINER")

	gateway, err := dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gateway.Close() })
	return place{gateway, host, container}
}

// execute runs a command in the container, and fails the test if that is not possible.
func (p place) execute(t *testing.T, stdin string, command ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	start := &dockfleet.ExecStart{Host: p.host, Id: p.container, Cmd: command, AttachStdin: new(true)}
	execs := dockfleet.NewExecServiceClient(p.gateway)
	code, failure := execute(deadline(t), execs, start, strings.NewReader(stdin), &out, &err)
	if failure != nil {
		t.Fatal(explain(failure))
	}
	return code, out.String(), err.String()
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestListHoldsTheRunningContainer(t *testing.T) {
	p := here(t)
	running, err := list(deadline(t), dockfleet.NewContainerServiceClient(p.gateway), p.host)
	if err != nil {
		t.Fatal(explain(err))
	}
	if !slices.ContainsFunc(running, func(each *dockfleet.ContainerSummary) bool {
		return each.State == "running" && (each.Id == p.container || slices.Contains(each.Names, "/"+p.container))
	}) {
		t.Errorf("no %s among %v", p.container, running)
	}
}

func TestFollowShowsTheLastLinesInOrderAndLeaves(t *testing.T) {
	p := here(t)
	var want []string
	for range 3 {
		want = append(want, time.Now().Format(time.RFC3339Nano))
	}
	p.execute(t, strings.Join(want, "\n")+"\n", "sh", "-c", "cat > /proc/1/fd/1")

	var got []string
	err := follow(deadline(t), dockfleet.NewContainerServiceClient(p.gateway), p.host, p.container, len(want),
		func(line *dockfleet.LogEntry) {
			got = append(got, string(line.Data))
			if line.Stream != dockfleet.Stream_STREAM_STDOUT {
				t.Errorf("%q came from %v", line.Data, line.Stream)
			}
			if age := time.Since(line.Time.AsTime()); age < -time.Minute || age > time.Minute {
				t.Errorf("%q is %v old", line.Data, age)
			}
		})
	if err != nil {
		t.Fatal(explain(err))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// broken is a gateway that goes away after each batch of a log, until it has told all.
type broken struct {
	dockfleet.UnimplementedContainerServiceServer
	batches  []*dockfleet.StreamLogsResponse
	requests []*dockfleet.StreamLogsRequest
}

func (b *broken) StreamLogs(
	request *dockfleet.StreamLogsRequest, stream grpc.ServerStreamingServer[dockfleet.StreamLogsResponse],
) error {
	batch := b.batches[len(b.requests)]
	b.requests = append(b.requests, request)
	if err := stream.Send(batch); err != nil || batch.GetEnd() != nil {
		return err
	}
	return status.Error(codes.Unavailable, "the gateway is stopping")
}

func TestFollowGoesOnBehindTheLastBatchWhenTheGatewayGoesAway(t *testing.T) {
	batch := func(token string, lines ...string) *dockfleet.StreamLogsResponse {
		batch := &dockfleet.StreamLogsResponse{ResumeToken: []byte(token)}
		for _, line := range lines {
			batch.Entries = append(batch.Entries, &dockfleet.LogEntry{Data: []byte(line)})
		}
		return batch
	}
	end := batch("t3")
	end.Marker = &dockfleet.StreamLogsResponse_End{End: &dockfleet.LogEnd{}}
	script := &broken{batches: []*dockfleet.StreamLogsResponse{batch("t1", "1", "2"), batch("t2", "3"), end}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	dockfleet.RegisterContainerServiceServer(server, script)
	go server.Serve(listener)
	defer server.Stop()
	gateway, err := dial(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.Close()

	var got []string
	err = follow(deadline(t), dockfleet.NewContainerServiceClient(gateway), "a", "web", 10,
		func(line *dockfleet.LogEntry) { got = append(got, string(line.Data)) })
	if err != nil {
		t.Fatal(explain(err))
	}

	if want := []string{"1", "2", "3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var asked []string
	for _, request := range script.requests {
		asked = append(asked, fmt.Sprintf("%s %v", request.ResumeToken, request.Tail != nil))
	}
	if want := []string{" true", "t1 false", "t2 false"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

func TestExecuteKeepsOutputsApartAndReturnsTheExitCode(t *testing.T) {
	code, stdout, stderr := here(t).execute(t, "", "sh", "-c", "echo out; echo err >&2; exit 3")
	if code != 3 || stdout != "out\n" || stderr != "err\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestTheEndOfStdinLeavesTheOutputOpen(t *testing.T) {
	const size = 1_000_000
	code, stdout, _ := here(t).execute(t, strings.Repeat("x", size), "sh", "-c", "wc -c; sleep 0.2; echo later")
	if want := fmt.Sprintf("%d\nlater\n", size); code != 0 || stdout != want {
		t.Errorf("exit code %d, stdout %q, want %q", code, stdout, want)
	}
}

func TestAStdinThatFailsIsTheErrorOfTheCall(t *testing.T) {
	p := here(t)
	broken := errors.New("the disk is on fire")
	start := &dockfleet.ExecStart{Host: p.host, Id: p.container, Cmd: []string{"cat"}, AttachStdin: new(true)}
	execs := dockfleet.NewExecServiceClient(p.gateway)
	_, err := execute(deadline(t), execs, start, iotest.ErrReader(broken), &bytes.Buffer{}, &bytes.Buffer{})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestAnUnknownHostIsNamedWithItsReason(t *testing.T) {
	_, err := list(deadline(t), dockfleet.NewContainerServiceClient(here(t).gateway), "atlantis")
	if code := status.Code(err); code != codes.NotFound {
		t.Errorf("got %v: %v", code, err)
	}
	if info := errorInfo(err); info.GetReason() != "UNKNOWN_HOST" || info.GetMetadata()["host"] != "atlantis" {
		t.Errorf("got %v", info)
	}
}
