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

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	dockfleet "dockfleet.internal/go/dockfleetv1"
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
	start := &dockfleet.ExecStart{Host: p.host, Id: p.container, Cmd: command, AttachStdin: proto.Bool(true)}
	execs := dockfleet.NewExecServiceClient(p.gateway)
	code, failure := execute(deadline(t), execs, start, strings.NewReader(stdin), &out, &err)
	if failure != nil {
		t.Fatal(explain(failure))
	}
	return code, out.String(), err.String()
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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
			if line.Stream != dockfleet.StandardStream_STANDARD_STREAM_STDOUT {
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

// broken is a gateway whose calls end after each response of a log, with the failures in turn, until it has told all.
type broken struct {
	dockfleet.UnimplementedContainerServiceServer
	responses []*dockfleet.StreamLogsResponse
	failures  []error
	requests  []*dockfleet.StreamLogsRequest
}

func (b *broken) StreamLogs(
	request *dockfleet.StreamLogsRequest, stream grpc.ServerStreamingServer[dockfleet.StreamLogsResponse],
) error {
	call := len(b.requests)
	b.requests = append(b.requests, request)
	if err := stream.Send(b.responses[call]); err != nil || b.responses[call].GetEnd() != nil {
		return err
	}
	return b.failures[call]
}

// failure is a failed call with its details.
func failure(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) error {
	t.Helper()
	call, err := status.New(code, "no").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return call.Err()
}

// told is what the gateway tells about a failed call.
func told(reason string, metadata ...string) *errdetails.ErrorInfo {
	info := &errdetails.ErrorInfo{Domain: "dockfleet", Reason: reason, Metadata: map[string]string{}}
	for i := 0; i < len(metadata); i += 2 {
		info.Metadata[metadata[i]] = metadata[i+1]
	}
	return info
}

func TestFollowGoesOnBehindTheLastResponseWhenTheCallBreaks(t *testing.T) {
	batch := func(token string, lines ...string) *dockfleet.StreamLogsResponse {
		var batch dockfleet.LogBatch
		for _, line := range lines {
			batch.Entries = append(batch.Entries, &dockfleet.LogEntry{Data: []byte(line)})
		}
		record := &dockfleet.StreamLogsResponse_Batch{Batch: &batch}
		return &dockfleet.StreamLogsResponse{ResumeToken: []byte(token), ContainerId: "c0ffee", Record: record}
	}
	newer := &dockfleet.StreamLogsResponse{ResumeToken: []byte("t3"), ContainerId: "c0ffee"} // its record is not known
	end := &dockfleet.StreamLogsResponse{Record: &dockfleet.StreamLogsResponse_End{End: &dockfleet.LogEnd{}}}
	script := &broken{
		responses: []*dockfleet.StreamLogsResponse{batch("t1", "1", "2"), batch("t2", "3"), newer, end},
		failures: []error{
			failure(t, codes.Unavailable, told("GOING_AWAY", "retry_safe", "true")),
			failure(t, codes.Canceled),
			failure(t, codes.Unknown),
		},
	}
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
		asked = append(asked, fmt.Sprintf("%s %s %v", request.Id, request.ResumeToken, request.Tail != nil))
	}
	want := []string{"web  true", "c0ffee t1 false", "c0ffee t2 false", "c0ffee t3 false"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

func TestAStreamResumesAsTheContractSays(t *testing.T) {
	elsewhere := &errdetails.ErrorInfo{Domain: "proxy.example.org", Reason: "RESET"}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		broke := slices.Contains([]codes.Code{codes.Canceled, codes.Unknown, codes.Internal, codes.Unavailable}, code)
		for _, each := range []struct {
			name string
			err  error
			want bool
		}{
			{"without details", failure(t, code), broke},
			{"with details of another program", failure(t, code, elsewhere), broke},
			{"with a reason", failure(t, code, told("CLIENT_DEADLINE", "retry_safe", "false")), code == codes.Unavailable},
			{"that is safe to retry", failure(t, code, told("HOST_TIMEOUT", "retry_safe", "true")), true},
			{"of a slow reader", failure(t, code, told("SLOW_READER")), true},
		} {
			if got := mayResume(context.Background(), each.err); got != each.want {
				t.Errorf("%v %s: got %v, want %v", code, each.name, got, each.want)
			}
			if mayResume(cancelled(), each.err) {
				t.Errorf("%v %s: a call that this program cancelled is made again", code, each.name)
			}
		}
	}
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestThePauseIsTheGatewaysWhereItSaysOne(t *testing.T) {
	asked := &errdetails.RetryInfo{RetryDelay: durationpb.New(7 * time.Second)}
	for _, each := range []struct {
		err  error
		want time.Duration
	}{
		{failure(t, codes.Unavailable), time.Second},
		{failure(t, codes.Unavailable, told("GOING_AWAY"), asked), 7 * time.Second},
	} {
		if got := pause(each.err); got != each.want {
			t.Errorf("%v: got %v, want %v", each.err, got, each.want)
		}
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
	start := &dockfleet.ExecStart{Host: p.host, Id: p.container, Cmd: []string{"cat"}, AttachStdin: proto.Bool(true)}
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
