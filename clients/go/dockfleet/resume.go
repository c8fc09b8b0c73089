package dockfleet

import (
	"context"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"dockfleet.internal/go/dockfleetv1"
)

const (
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Second
)

// broken are the codes by which libraries and proxies report a connection that broke.
var broken = []codes.Code{codes.Unavailable, codes.Unknown, codes.Canceled, codes.Internal}

// Logs yields the log of a container line by line; a partial entry continues in the next one.  When the engine has lost
// lines, the last element is an error with ReasonGap; with Strict false, they are skipped.  StreamLogs also yields gaps,
// restarts and the end.
func (h *Host) Logs(
	ctx context.Context, request *dockfleetv1.StreamLogsRequest,
) iter.Seq2[*dockfleetv1.LogEntry, error] {
	strict := bound(h, request)
	if strict.Strict == nil {
		strict.Strict = proto.Bool(true)
	}
	return func(yield func(*dockfleetv1.LogEntry, error) bool) {
		for response, err := range h.StreamLogs(ctx, strict) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, entry := range response.GetBatch().GetEntries() {
				if !yield(entry, nil) {
					return
				}
			}
		}
	}
}

// resuming is a stream that continues after a failure, by the rule at the beginning of common.proto.
func resuming[Req, Res any, P message[Req], R message[Res]](
	ctx context.Context, retry time.Duration, call streamOf[Req, Res], request P,
) iter.Seq2[*Res, error] {
	return func(yield func(*Res, error) bool) {
		copied := P(new(Req))
		if request != nil {
			proto.Merge(copied, request)
		}
		position := &position{request: copied.ProtoReflect()}
		for {
			var failure error
			for response, err := range stream(ctx, call, (*Req)(copied)) {
				if failure = err; err != nil {
					break
				}
				if position.received(R(response).ProtoReflect()) && !yield(response, nil) {
					return
				}
			}
			if failure == nil || position.ended {
				return
			}
			if !position.wait(ctx, retry, failure) {
				yield(nil, failure)
				return
			}
		}
	}
}

// position is where a stream is, across its calls.
type position struct {
	request  protoreflect.Message // of the next call
	begun    bool                 // there is something to continue from
	ended    bool                 // the last response has come
	failedAt time.Time            // the first failure after the last response
	pause    time.Duration
}

// received notes a response, and returns whether the program gets it.
func (p *position) received(response protoreflect.Message) bool {
	p.failedAt = time.Time{}
	fields := response.Descriptor().Fields()
	tokens := fields.ByName("resume_token")
	if tokens == nil {
		p.begun = true
	} else if token := response.Get(tokens).Bytes(); len(token) > 0 {
		p.begun = true
		p.continueAt(token)
	}
	if id := fields.ByName("container_id"); id != nil && response.Has(id) {
		p.set("id", response.Get(id)) // another container may have the name by now
	}
	if end := fields.ByName("end"); end != nil {
		p.ended = response.Has(end)
	}
	if record := response.Descriptor().Oneofs().ByName("record"); record != nil && response.WhichOneof(record) == nil {
		return false // newer than this package
	}
	heartbeat := fields.ByName("heartbeat")
	return heartbeat == nil || !response.Has(heartbeat)
}

func (p *position) continueAt(token []byte) {
	p.set("resume_token", protoreflect.ValueOfBytes(token))
	start := p.request
	if nested := start.Descriptor().Fields().ByName("request"); nested != nil && start.Has(nested) {
		start = start.Mutable(nested).Message()
	}
	for _, name := range []protoreflect.Name{"since", "tail"} {
		if field := start.Descriptor().Fields().ByName(name); field != nil {
			start.Clear(field)
		}
	}
}

func (p *position) set(name protoreflect.Name, value protoreflect.Value) {
	p.request.Set(p.request.Descriptor().Fields().ByName(name), value)
}

// wait waits before the next call.  It returns false if there is no next call.
func (p *position) wait(ctx context.Context, retry time.Duration, failure error) bool {
	if p.failedAt.IsZero() {
		p.failedAt, p.pause = time.Now(), shortestPause
	}
	e, ok := failure.(*Error)
	if !ok || !p.begun || !mayResume(ctx, e) {
		return false
	}
	pause := max(time.Duration(float64(p.pause)*(0.8+0.4*rand.Float64())), e.RetryAfter)
	if time.Since(p.failedAt)+pause > retry {
		return false
	}
	p.pause = min(2*p.pause, longestPause)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// mayResume says whether a stream that failed may be called again with its last token.
func mayResume(ctx context.Context, failure *Error) bool {
	if ctx.Err() != nil {
		return false // this program cancelled the call, or its own deadline ran out
	}
	if failure.Reason == "" { // it does not come from the gateway
		return slices.Contains(broken, failure.Code)
	}
	return failure.Code == codes.Unavailable || failure.RetrySafe || failure.Reason == ReasonSlowReader
}
