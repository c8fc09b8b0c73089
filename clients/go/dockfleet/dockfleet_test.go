package dockfleet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
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

	"dockfleet.internal/go/dockfleet"
	"dockfleet.internal/go/dockfleetv1"
)

// gateway answers as a test says.  What clients/conformance shows for all languages is not shown again here.
type gateway struct {
	dockfleetv1.UnimplementedContainerServiceServer
	dockfleetv1.UnimplementedExecServiceServer
	list func(*dockfleetv1.ListContainersRequest) (*dockfleetv1.ListContainersResponse, error)
	exec func(grpc.BidiStreamingServer[dockfleetv1.ExecRequest, dockfleetv1.ExecResponse]) error
	logs func(*dockfleetv1.StreamLogsRequest, grpc.ServerStreamingServer[dockfleetv1.StreamLogsResponse]) error
	put  func(grpc.ClientStreamingServer[dockfleetv1.PutContainerArchiveRequest, dockfleetv1.PutContainerArchiveResponse]) error
}

func (g *gateway) ListContainers(
	_ context.Context, request *dockfleetv1.ListContainersRequest,
) (*dockfleetv1.ListContainersResponse, error) {
	return g.list(request)
}

func (g *gateway) Exec(stream grpc.BidiStreamingServer[dockfleetv1.ExecRequest, dockfleetv1.ExecResponse]) error {
	return g.exec(stream)
}

func (g *gateway) StreamLogs(
	request *dockfleetv1.StreamLogsRequest, stream grpc.ServerStreamingServer[dockfleetv1.StreamLogsResponse],
) error {
	return g.logs(request, stream)
}

func (g *gateway) PutContainerArchive(
	stream grpc.ClientStreamingServer[dockfleetv1.PutContainerArchiveRequest, dockfleetv1.PutContainerArchiveResponse],
) error {
	return g.put(stream)
}

// hostOf serves a gateway, and returns its host `a`.
func hostOf(t *testing.T, g *gateway, options ...dockfleet.Option) *dockfleet.Host {
	t.Helper()
	return fleetOf(t, g, options...).Host("a")
}

func fleetOf(t *testing.T, g *gateway, options ...dockfleet.Option) *dockfleet.Fleet {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	dockfleetv1.RegisterContainerServiceServer(server, g)
	dockfleetv1.RegisterExecServiceServer(server, g)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	fleet, err := dockfleet.Dial(listener.Addr().String(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fleet.Close() })
	return fleet
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// refusal is a failed call with its details.
func refusal(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) error {
	t.Helper()
	call, err := status.New(code, "a: no").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return call.Err()
}

func TestAFailureHasItsDetails(t *testing.T) {
	host := hostOf(t, &gateway{list: func(*dockfleetv1.ListContainersRequest) (*dockfleetv1.ListContainersResponse, error) {
		return nil, refusal(t, codes.NotFound,
			&errdetails.ErrorInfo{Domain: "dockfleet", Reason: "NOT_FOUND", Metadata: map[string]string{
				"host": "a", "engine_status": "404", "request_id": "r1", "retry_safe": "true"}},
			&errdetails.ResourceInfo{ResourceType: "container", ResourceName: "web"},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	}})

	_, err := host.ListContainers(deadline(t), nil)

	var failure *dockfleet.Error
	if !errors.As(err, &failure) || !errors.Is(err, dockfleet.ReasonNotFound) || status.Code(err) != codes.NotFound {
		t.Fatalf("got %v", err)
	}
	if failure.Host != "a" || failure.Message != "no" || failure.EngineStatus != 404 || failure.RequestID != "r1" ||
		!failure.RetrySafe || failure.RetryAfter != time.Second || *failure.Resource != (dockfleet.Resource{Type: "container", Name: "web"}) {
		t.Errorf("got %+v", failure)
	}
}

func TestARequestIsNotChanged(t *testing.T) {
	var asked *dockfleetv1.ListContainersRequest
	host := hostOf(t, &gateway{
		list: func(request *dockfleetv1.ListContainersRequest) (*dockfleetv1.ListContainersResponse, error) {
			asked = request
			return &dockfleetv1.ListContainersResponse{}, nil
		},
	})
	request := &dockfleetv1.ListContainersRequest{All: proto.Bool(true)}

	if _, err := host.ListContainers(deadline(t), request); err != nil {
		t.Fatal(err)
	}

	if asked.Host != "a" || !asked.GetAll() || request.Host != "" {
		t.Errorf("asked for %v with %v", asked, request)
	}
}

func TestTheEndOfAContextIsTheCauseOfTheFailure(t *testing.T) {
	host := hostOf(t, &gateway{list: func(*dockfleetv1.ListContainersRequest) (*dockfleetv1.ListContainersResponse, error) {
		return nil, nil
	}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()

	_, err := host.ListContainers(ctx, nil)

	if !errors.Is(err, context.Canceled) || status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestALostLineIsAnErrorOfTheLog(t *testing.T) {
	var strict []bool
	host := hostOf(t, &gateway{logs: func(request *dockfleetv1.StreamLogsRequest,
		stream grpc.ServerStreamingServer[dockfleetv1.StreamLogsResponse]) error {
		strict = append(strict, request.GetStrict())
		batch := &dockfleetv1.LogBatch{Entries: []*dockfleetv1.LogEntry{{Data: []byte("one")}}}
		record := &dockfleetv1.StreamLogsResponse_Batch{Batch: batch}
		stream.Send(&dockfleetv1.StreamLogsResponse{ResumeToken: []byte("t"), Record: record})
		return refusal(t, codes.DataLoss, &errdetails.ErrorInfo{Domain: "dockfleet", Reason: "GAP"})
	}})

	var lines []string
	var failure error
	for line, err := range host.Logs(deadline(t), &dockfleetv1.StreamLogsRequest{Id: "web"}) {
		if err != nil {
			failure = err
			continue
		}
		lines = append(lines, string(line.Data))
	}

	if !slices.Equal(lines, []string{"one"}) || !errors.Is(failure, dockfleet.ReasonGap) || !slices.Equal(strict, []bool{true}) {
		t.Errorf("got %v and %v; strict: %v", lines, failure, strict)
	}
}

func TestAStreamThatStaysBrokenFailsAfterItsTime(t *testing.T) {
	calls := 0
	host := hostOf(t, &gateway{logs: func(_ *dockfleetv1.StreamLogsRequest,
		stream grpc.ServerStreamingServer[dockfleetv1.StreamLogsResponse]) error {
		if calls++; calls == 1 {
			stream.Send(&dockfleetv1.StreamLogsResponse{ResumeToken: []byte("t")})
		}
		return status.Error(codes.Unavailable, "gone")
	}}, dockfleet.WithRetry(250*time.Millisecond))

	var failure error
	for _, err := range host.StreamLogs(deadline(t), &dockfleetv1.StreamLogsRequest{Id: "web"}) {
		failure = err
	}

	if status.Code(failure) != codes.Unavailable || calls < 2 {
		t.Errorf("got %v after %d calls", failure, calls)
	}
}

// echo runs a command that returns its input to both outputs, and exits with a code.
func echo(code *int64) func(grpc.BidiStreamingServer[dockfleetv1.ExecRequest, dockfleetv1.ExecResponse]) error {
	return func(stream grpc.BidiStreamingServer[dockfleetv1.ExecRequest, dockfleetv1.ExecResponse]) error {
		stream.Recv()
		var input []byte
		for {
			request, err := stream.Recv()
			if err != nil {
				break
			}
			input = append(input, request.GetStdin()...)
		}
		for _, output := range []*dockfleetv1.OutputChunk{
			{Stream: dockfleetv1.StandardStream_STANDARD_STREAM_STDOUT, Data: input},
			{Stream: dockfleetv1.StandardStream_STANDARD_STREAM_STDERR, Data: bytes.ToUpper(input)},
		} {
			stream.Send(&dockfleetv1.ExecResponse{Record: &dockfleetv1.ExecResponse_Output{Output: output}})
		}
		end := &dockfleetv1.SessionEnd{ExitCode: code, UnknownReason: "gone"}
		return stream.Send(&dockfleetv1.ExecResponse{Record: &dockfleetv1.ExecResponse_End{End: end}})
	}
}

func TestACommandReturnsItsOutput(t *testing.T) {
	command := hostOf(t, &gateway{exec: echo(proto.Int64(0))}).Command(deadline(t), "web", "cat")
	command.Stdin = strings.NewReader("input")

	output, err := command.Output()

	if string(output) != "input" || err != nil {
		t.Errorf("got %q, %v", output, err)
	}
}

func TestACommandThatFailsIsAnExitError(t *testing.T) {
	for _, each := range []struct {
		code *int64
		want int
	}{{proto.Int64(3), 3}, {nil, -1}} {
		command := hostOf(t, &gateway{exec: echo(each.code)}).Command(deadline(t), "web", "cat")
		command.Stdin = strings.NewReader("input")

		_, err := command.Output()

		var exit *dockfleet.ExitError
		if !errors.As(err, &exit) || exit.Code != each.want || string(exit.Stderr) != "INPUT" {
			t.Errorf("got %v", err)
		}
	}
}

func TestAnInputThatFailsIsTheErrorOfTheCommand(t *testing.T) {
	broken := errors.New("the disk is full")
	command := hostOf(t, &gateway{exec: echo(proto.Int64(0))}).Command(deadline(t), "web", "cat")
	command.Stdin = iotest.ErrReader(broken)

	if err := command.Run(); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestAnUploadThatCannotBeReadIsCancelled(t *testing.T) {
	broken := errors.New("the disk is full")
	ended := make(chan error, 1)
	host := hostOf(t, &gateway{put: func(
		stream grpc.ClientStreamingServer[dockfleetv1.PutContainerArchiveRequest, dockfleetv1.PutContainerArchiveResponse],
	) error {
		for {
			if _, err := stream.Recv(); err != nil {
				ended <- err
				return nil
			}
		}
	}})
	data := io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), iotest.ErrReader(broken))

	_, err := host.PutContainerArchive(deadline(t), &dockfleetv1.PutContainerArchiveStart{Id: "web"}, data)

	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if err := <-ended; errors.Is(err, io.EOF) {
		t.Error("the gateway took the part that could be read for the whole")
	}
}

func TestAnUploadWhoseCallFailsDoesNotWaitForItsData(t *testing.T) {
	host := hostOf(t, &gateway{put: func(
		grpc.ClientStreamingServer[dockfleetv1.PutContainerArchiveRequest, dockfleetv1.PutContainerArchiveResponse],
	) error {
		return refusal(t, codes.NotFound, &errdetails.ErrorInfo{Domain: "dockfleet", Reason: "NOT_FOUND"})
	}})
	data, writer := io.Pipe()
	defer writer.Close()

	_, err := host.PutContainerArchive(deadline(t), &dockfleetv1.PutContainerArchiveStart{Id: "web"}, data)

	if !errors.Is(err, dockfleet.ReasonNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestStreamsDoNotHoldUpCalls(t *testing.T) {
	const streams = 300
	begun := make(chan bool, streams)
	host := hostOf(t, &gateway{
		list: func(*dockfleetv1.ListContainersRequest) (*dockfleetv1.ListContainersResponse, error) {
			return &dockfleetv1.ListContainersResponse{}, nil
		},
		logs: func(_ *dockfleetv1.StreamLogsRequest, stream grpc.ServerStreamingServer[dockfleetv1.StreamLogsResponse]) error {
			begun <- true
			<-stream.Context().Done()
			return nil
		},
	})
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	for range streams {
		go func() {
			for range host.StreamLogs(ctx, &dockfleetv1.StreamLogsRequest{Id: "web"}) {
			}
		}()
	}
	for range streams {
		<-begun
	}

	if _, err := host.ListContainers(ctx, nil); err != nil {
		t.Error(err)
	}
}

func TestOptionsThatDoNotFitAreRefused(t *testing.T) {
	for name, options := range map[string][]dockfleet.Option{
		"a token without TLS":  {dockfleet.WithToken("secret")},
		"a file without PEM":   {dockfleet.WithCA("dockfleet_test.go")},
		"a missing file":       {dockfleet.WithCA("no-such-file")},
		"a key that is no key": {dockfleet.WithCertificate("dockfleet_test.go", "dockfleet_test.go")},
	} {
		if _, err := dockfleet.Dial("127.0.0.1:1", options...); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestAnAddressNeedsNoPortAndIsNoURL(t *testing.T) {
	for _, address := range []string{"", " ", "http://127.0.0.1:1", "tcp://127.0.0.1:1", "a:", "a:http", "a:0", "a:65536", "a b", "a/b"} {
		if _, err := dockfleet.Dial(address); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
	for _, address := range []string{"127.0.0.1", "[127.0.0.1]", "::1"} {
		fleet, err := dockfleet.Dial(address, dockfleet.WithDialOptions(grpc.WithContextDialer(
			func(_ context.Context, place string) (net.Conn, error) { return nil, errors.New("it dials " + place) },
		)))
		if err != nil {
			t.Errorf("%q: %v", address, err)
			continue
		}
		_, err = fleet.Host("a").ListContainers(deadline(t), nil)
		if err == nil || !strings.Contains(err.Error(), "it dials "+net.JoinHostPort(strings.Trim(address, "[]"), "50051")) {
			t.Errorf("%q: %v", address, err)
		}
		fleet.Close()
	}
}

func TestADeadlineThatTheGatewayNoticedIsThatOfTheContext(t *testing.T) {
	host := hostOf(t, &gateway{list: func(*dockfleetv1.ListContainersRequest) (*dockfleetv1.ListContainersResponse, error) {
		return nil, refusal(t, codes.DeadlineExceeded, &errdetails.ErrorInfo{Domain: "dockfleet", Reason: "CLIENT_DEADLINE"})
	}})

	_, err := host.ListContainers(deadline(t), nil)

	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, dockfleet.ReasonClientDeadline) {
		t.Errorf("got %v", err)
	}
}

func TestALogOfAFleetThatIsClosedFailsAtOnce(t *testing.T) {
	fleet := fleetOf(t, &gateway{logs: func(_ *dockfleetv1.StreamLogsRequest,
		stream grpc.ServerStreamingServer[dockfleetv1.StreamLogsResponse]) error {
		batch := &dockfleetv1.LogBatch{Entries: []*dockfleetv1.LogEntry{{Data: []byte("one")}}}
		record := &dockfleetv1.StreamLogsResponse_Batch{Batch: batch}
		stream.Send(&dockfleetv1.StreamLogsResponse{ResumeToken: []byte("t"), Record: record})
		<-stream.Context().Done()
		return nil
	}}, dockfleet.WithRetry(time.Hour))

	host := fleet.Host("a")
	var failure error
	for _, err := range host.Logs(deadline(t), &dockfleetv1.StreamLogsRequest{Id: "web"}) {
		if failure = err; err == nil {
			fleet.Close()
		}
	}
	_, after := host.ListContainers(deadline(t), nil)

	if !errors.Is(failure, dockfleet.ErrClosed) || !errors.Is(after, dockfleet.ErrClosed) {
		t.Errorf("got %v, and %v of a call after it", failure, after)
	}
}
