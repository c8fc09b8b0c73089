package dockfleet

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"dockfleet.internal/go/dockfleetv1"
)

// sessionResponse is what the responses of all sessions have.
type sessionResponse interface {
	GetStarted() *dockfleetv1.SessionStarted
	GetOutput() *dockfleetv1.OutputChunk
	GetDropped() *dockfleetv1.DroppedOutput
	GetEnd() *dockfleetv1.SessionEnd
}

// Session is a session with a process: input up and output down at the same time.  One goroutine may write while another
// reads the output.
//
// A session ends with its process, with its context, and with Close.  The process of Exec is killed then, unless its
// OnDisconnect is ON_DISCONNECT_KEEP.
type Session struct {
	ctx     context.Context
	cancel  context.CancelFunc
	send    func(field protoreflect.Name, value protoreflect.Value) error
	receive func() (sessionResponse, error)
	done    func() error

	sending sync.Mutex
	closed  bool // standard input

	started *dockfleetv1.SessionStarted
	dropped uint64
	end     *dockfleetv1.SessionEnd
}

// session starts a session.
func session[Req, Res any, P message[Req]](
	ctx context.Context, call sessionOf[Req, Res], start proto.Message,
) (*Session, error) {
	ctx, cancel := context.WithCancel(ctx)
	requests, err := call(ctx)
	if err != nil {
		cancel()
		return nil, failed(ctx, err)
	}
	s := &Session{
		ctx:    ctx,
		cancel: cancel,
		send: func(field protoreflect.Name, value protoreflect.Value) error {
			return requests.Send(frame[Req, P](field, value))
		},
		receive: func() (sessionResponse, error) { return receiveOne(requests) },
		done:    requests.CloseSend,
	}
	s.request("start", protoreflect.ValueOfMessage(start.ProtoReflect())) // why it failed is what Output says
	return s, nil
}

func receiveOne[Req, Res any](call grpc.BidiStreamingClient[Req, Res]) (sessionResponse, error) {
	response, err := call.Recv()
	if err != nil {
		return nil, err
	}
	return any(response).(sessionResponse), nil
}

// Output yields the output as it comes, until the process has ended.  A piece is not a line.
func (s *Session) Output() iter.Seq2[*dockfleetv1.OutputChunk, error] {
	return func(yield func(*dockfleetv1.OutputChunk, error) bool) {
		for {
			response, err := s.receive()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, failed(s.ctx, err))
				return
			}
			if started := response.GetStarted(); started != nil {
				s.started = started
			}
			s.dropped += response.GetDropped().GetBytes()
			if end := response.GetEnd(); end != nil {
				s.end = end
			}
			if output := response.GetOutput(); output != nil && !yield(output, nil) {
				return
			}
		}
	}
}

// Write sends bytes to standard input.  It fails with io.ErrClosedPipe when the session has ended.
func (s *Session) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		piece := append([]byte(nil), p[written:min(len(p), written+largestPiece)]...) // gRPC keeps it after Send
		if err := s.request("stdin", protoreflect.ValueOfBytes(piece)); err != nil {
			return written, err
		}
		written += len(piece)
	}
	return written, nil
}

// CloseStdin ends standard input.  Output continues.  It may be repeated.
func (s *Session) CloseStdin() error {
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.send("close_stdin", protoreflect.ValueOfMessage((&dockfleetv1.CloseStdin{}).ProtoReflect()))
}

// Resize sets the size of the terminal, in characters.
func (s *Session) Resize(height, width uint32) error {
	size := &dockfleetv1.TerminalSize{Height: height, Width: width}
	return s.request("resize", protoreflect.ValueOfMessage(size.ProtoReflect()))
}

func (s *Session) request(field protoreflect.Name, value protoreflect.Value) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.send(field, value) != nil {
		return io.ErrClosedPipe // why is what Output says
	}
	return nil
}

// Started returns the first response; nil before it was read.
func (s *Session) Started() *dockfleetv1.SessionStarted {
	return s.started
}

// End returns the last response; nil before it was read.
func (s *Session) End() *dockfleetv1.SessionEnd {
	return s.end
}

// DroppedBytes returns how much output is missing so far because this program did not read in time.
func (s *Session) DroppedBytes() uint64 {
	return s.dropped
}

// Close ends the session.  It may be repeated.
func (s *Session) Close() error {
	s.cancel()
	return nil
}
