package dockfleet

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"dockfleet.internal/go/dockfleetv1"
)

const (
	domain       = "dockfleet"
	closedAtOnce = "the gateway closed the connection at once: it may require TLS, or a client certificate that it trusts"
)

// closed matches what gRPC says when the first bytes of HTTP/2 cannot be exchanged.
var closed = regexp.MustCompile(`error reading server preface: (EOF|.*reset|.*broken pipe)|^write tcp .*(reset|broken pipe)`)

// ErrClosed is the error of calls after Close.
var ErrClosed = errors.New("the fleet is closed")

// Reason is why a call failed, for programs: an ErrorReason of the contract without its prefix.  It is an error itself,
// for errors.Is:
//
//	if errors.Is(err, dockfleet.ReasonNotFound) {
type Reason string

func (r Reason) Error() string {
	return string(r)
}

// Error is a failed call:
//
//	var failure *dockfleet.Error
//	if errors.As(err, &failure) && failure.RetrySafe {
type Error struct {
	// Code is the status code of gRPC.
	Code codes.Code
	// Reason is what programs decide by.  Empty when the failure does not come from the gateway, such as when there is
	// no connection.
	Reason Reason
	// Message says what failed, for people.
	Message string
	// Host is the host of the call, if any.
	Host string
	// EngineStatus is the HTTP status of the engine's answer; 0 without an answer.
	EngineStatus int
	// RequestID is the id of the call in the gateway's log.
	RequestID string
	// RetrySafe says that the same call may be made again: it may help, and does no harm.
	RetrySafe bool
	// RetryAfter is how long to wait before that; 0 when waiting does not help.
	RetryAfter time.Duration
	// Violations are the fields of the request that are missing or malformed.
	Violations []Violation
	// Resource is the object that is missing or in the way; nil if there is none.
	Resource *Resource
	// Metadata are further facts by name, such as `required_version`.
	Metadata map[string]string

	status *status.Status
	cause  error
}

// Violation is a field of a request that is missing or malformed, and what it must be.
type Violation struct {
	Field, Description string
}

// Resource is an object of a failure: its kind, such as `container`, and its name.
type Resource struct {
	Type, Name string
}

// Error returns the host, the reason and the message in one line.
func (e *Error) Error() string {
	word := string(e.Reason)
	if word == "" {
		word = e.Code.String()
	}
	text := word + ": " + e.Message
	if e.Host != "" {
		text = e.Host + ": " + text
	}
	return text
}

// Is says whether the target is the reason of the failure.  A deadline that the gateway noticed before this program is
// context.DeadlineExceeded too.
func (e *Error) Is(target error) bool {
	if target == context.DeadlineExceeded {
		return e.Reason == ReasonClientDeadline
	}
	reason, ok := target.(Reason)
	return ok && reason == e.Reason
}

// Unwrap returns why the context of the call ended, if that ended the call.
func (e *Error) Unwrap() error {
	return e.cause
}

// GRPCStatus returns the status with all its details, for status.FromError.
func (e *Error) GRPCStatus() *status.Status {
	return e.status
}

// FailureOf returns the failure of one host or one container in the response of a call on many, as an error; nil if there
// is none.
func FailureOf(failure *dockfleetv1.Failure) error {
	if failure == nil {
		return nil
	}
	e := &Error{
		Code:         codes.Code(failure.Code),
		Reason:       reasonOf(failure.Reason),
		Message:      failure.Message,
		Host:         failure.Host,
		EngineStatus: int(failure.EngineStatus),
		RequestID:    failure.Metadata["request_id"],
		RetrySafe:    failure.RetrySafe,
		RetryAfter:   failure.RetryAfter.AsDuration(),
		Metadata:     failure.Metadata,
		status:       status.New(codes.Code(failure.Code), failure.Message),
	}
	for _, each := range failure.FieldViolations {
		e.Violations = append(e.Violations, Violation{each.Field, each.Description})
	}
	if failure.ResourceType != "" {
		e.Resource = &Resource{failure.ResourceType, failure.ResourceName}
	}
	return e
}

func reasonOf(reason dockfleetv1.ErrorReason) Reason {
	if reason == dockfleetv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
		return ""
	}
	return Reason(strings.TrimPrefix(reason.String(), "ERROR_REASON_"))
}

// failed returns err, the error of a call with ctx, as an *Error.  Errors that come from elsewhere stay as they are.
func failed(ctx context.Context, err error) error {
	var already *Error
	if err == nil || errors.As(err, &already) {
		return err
	}
	call, ok := status.FromError(err)
	if !ok {
		if ctx.Err() == nil {
			return err
		}
		call = status.FromContextError(ctx.Err())
	}
	e := &Error{Code: call.Code(), Message: call.Message(), status: call, cause: ctx.Err()}
	if closed.MatchString(e.Message) {
		e.Message = fmt.Sprintf("%s (%s)", closedAtOnce, e.Message)
	}
	for _, detail := range call.Details() {
		e.read(detail)
	}
	return e
}

func (e *Error) read(detail any) {
	switch detail := detail.(type) {
	case *errdetails.ErrorInfo:
		if detail.Domain != domain {
			return
		}
		e.Reason = Reason(detail.Reason)
		e.Host = detail.Metadata["host"]
		e.Message = strings.TrimPrefix(e.Message, fmt.Sprintf("%s: ", e.Host)) // it is there for other clients
		e.EngineStatus, _ = strconv.Atoi(detail.Metadata["engine_status"])
		e.RequestID = detail.Metadata["request_id"]
		e.RetrySafe = detail.Metadata["retry_safe"] == "true"
		e.Metadata = detail.Metadata
	case *errdetails.RetryInfo:
		e.RetryAfter = detail.RetryDelay.AsDuration()
	case *errdetails.BadRequest:
		for _, each := range detail.FieldViolations {
			e.Violations = append(e.Violations, Violation{each.Field, each.Description})
		}
	case *errdetails.ResourceInfo:
		e.Resource = &Resource{detail.ResourceType, detail.ResourceName}
	}
}
