package dockfleet

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The forms of RPCs: generated.go has a method for each RPC, on top of one of these.

type (
	message[M any] interface {
		*M
		proto.Message
	}
	callOf[Req, Res any]    func(context.Context, *Req, ...grpc.CallOption) (*Res, error)
	streamOf[Req, Res any]  func(context.Context, *Req, ...grpc.CallOption) (grpc.ServerStreamingClient[Res], error)
	uploadOf[Req, Res any]  func(context.Context, ...grpc.CallOption) (grpc.ClientStreamingClient[Req, Res], error)
	sessionOf[Req, Res any] func(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[Req, Res], error)
	received[Res any]       interface{ Recv() (*Res, error) }
)

// largestPiece is how much of an upload a message carries, in bytes.
const largestPiece = 256 << 10

// bound returns a copy of a request with the host; nil is a request without anything else.
func bound[Req any, P message[Req]](host *Host, request P) P {
	copied := P(new(Req))
	if request != nil {
		proto.Merge(copied, request)
	}
	fields := copied.ProtoReflect()
	fields.Set(fields.Descriptor().Fields().ByName("host"), protoreflect.ValueOfString(host.name))
	return copied
}

func unary[Req, Res any](ctx context.Context, call callOf[Req, Res], request *Req) (*Res, error) {
	response, err := call(ctx, request)
	if err != nil {
		return nil, failed(ctx, err)
	}
	return response, nil
}

// stream makes a call for each loop over it.
func stream[Req, Res any](ctx context.Context, call streamOf[Req, Res], request *Req) iter.Seq2[*Res, error] {
	return func(yield func(*Res, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // the only way to leave a stream before its end
		responses, err := call(ctx, request)
		if err != nil {
			yield(nil, failed(ctx, err))
			return
		}
		each(ctx, responses, yield)
	}
}

// each yields the responses of a call, and its failure as the last.
func each[Res any](ctx context.Context, call received[Res], yield func(*Res, error) bool) {
	for {
		response, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			yield(nil, failed(ctx, err))
			return
		}
		if !yield(response, nil) {
			return
		}
	}
}

// download returns the bytes of a stream.  A failure is the error of Read.
func download[Req, Res any](ctx context.Context, call streamOf[Req, Res], request *Req) io.ReadCloser {
	next, stop := iter.Pull2(stream(ctx, call, request))
	return &reader[Res]{next: next, stop: stop}
}

type reader[Res any] struct {
	next func() (*Res, error, bool)
	stop func()
	rest []byte
}

func (r *reader[Res]) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		response, err, ok := r.next()
		if !ok {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		r.rest = any(response).(interface{ GetData() []byte }).GetData()
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close ends the call.
func (r *reader[Res]) Close() error {
	r.stop()
	r.rest = nil
	return nil
}

// upload sends in a goroutine, so that a call that breaks ends at once.  A read of the data may then be left waiting.
func upload[Req, Res any, P message[Req]](
	ctx context.Context, call uploadOf[Req, Res], start proto.Message, data io.Reader,
) (*Res, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	requests, err := call(ctx)
	if err != nil {
		return nil, failed(ctx, err)
	}
	go func() {
		if err := sendAll[Req, P](requests, start, data); err != nil {
			cancel(err)
			return
		}
		requests.CloseSend()
	}()
	response := new(Res)
	if err := requests.RecvMsg(response); err != nil {
		return nil, orCause(ctx, failed(ctx, err))
	}
	return response, nil
}

// orCause returns the error of the data in place of err, if that ended the call.
func orCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, ctx.Err()) {
		return cause
	}
	return err
}

func uploadStream[Req, Res any, P message[Req]](
	ctx context.Context, call sessionOf[Req, Res], start proto.Message, data io.Reader,
) iter.Seq2[*Res, error] {
	return func(yield func(*Res, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		requests, err := call(ctx)
		if err != nil {
			yield(nil, failed(ctx, err))
			return
		}
		go func() {
			if err := sendAll[Req, P](requests, start, data); err != nil {
				cancel(err)
				return
			}
			requests.CloseSend()
		}()
		each(ctx, requests, func(response *Res, err error) bool {
			return yield(response, orCause(ctx, err))
		})
	}
}

// sendAll sends the start and the data.  It fails only if the data cannot be read; why a call broke off is what its
// response says.
func sendAll[Req any, P message[Req]](call interface{ Send(*Req) error }, start proto.Message, data io.Reader) error {
	request := frame[Req, P]("start", protoreflect.ValueOfMessage(start.ProtoReflect()))
	for call.Send(request) == nil {
		piece := make([]byte, largestPiece) // a new one each time: gRPC may look at a message after Send
		n, err := io.ReadFull(data, piece)
		if n == 0 && err == io.EOF {
			return nil
		}
		if err != nil && (n == 0 || err != io.ErrUnexpectedEOF) {
			return err
		}
		request = frame[Req, P]("data", protoreflect.ValueOfBytes(piece[:n]))
	}
	return nil
}

// frame returns a request with one field.
func frame[Req any, P message[Req]](field protoreflect.Name, value protoreflect.Value) *Req {
	request := P(new(Req))
	fields := request.ProtoReflect()
	fields.Set(fields.Descriptor().Fields().ByName(field), value)
	return request
}
