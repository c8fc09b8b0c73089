package dockfleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"dockfleet.internal/go/dockfleetv1"
)

// Command is a command in a container, in the form of exec.Cmd.  Its fields are set before Run, Output or Start, and one
// of these is called once.
type Command struct {
	// Exec is how the command starts; Host.Command sets its container and its command.
	Exec *dockfleetv1.ExecStart
	// Stdin is its standard input; nil is none.  When the command ends first, a read of it may be left waiting.
	Stdin io.Reader
	// Stdout and Stderr get its output; nil discards it.
	Stdout, Stderr io.Writer

	ctx     context.Context
	host    *Host
	session *Session
	input   chan error
}

// ExitError is the exit code of a command, if it is not 0 or not known.
type ExitError struct {
	// Code is the exit code; -1 when it is not known.
	Code int
	// UnknownReason says why it is not known.
	UnknownReason string
	// Stderr is what the command wrote to standard error, if Output ran it.
	Stderr []byte
}

func (e *ExitError) Error() string {
	if e.Code < 0 {
		return "the exit code is not known: " + e.UnknownReason
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// Command returns the command cmd for a container.  It runs without a shell.  The end of ctx ends it.
func (h *Host) Command(ctx context.Context, container string, cmd ...string) *Command {
	return &Command{Exec: &dockfleetv1.ExecStart{Id: container, Cmd: cmd}, ctx: ctx, host: h}
}

// Run runs the command to its end.  It returns an *ExitError if the command fails, an *Error if the call fails, and the
// error of Stdin, Stdout or Stderr.
func (c *Command) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and returns its standard output.
func (c *Command) Output() ([]byte, error) {
	var stdout, stderr bytes.Buffer
	c.Stdout = &stdout
	if c.Stderr == nil {
		c.Stderr = &stderr
	}
	err := c.Run()
	var exit *ExitError
	if errors.As(err, &exit) {
		exit.Stderr = stderr.Bytes()
	}
	return stdout.Bytes(), err
}

// Start starts the command and does not wait.  Wait must follow.
func (c *Command) Start() error {
	if c.session != nil {
		return errors.New("the command was started before")
	}
	start := bound(c.host, c.Exec)
	if c.Stdin != nil {
		start.AttachStdin = proto.Bool(true)
	}
	session, err := c.host.Exec(c.ctx, start)
	if err != nil {
		return err
	}
	c.session = session
	c.input = make(chan error, 1)
	go c.feed()
	return nil
}

// feed sends the standard input.  When it cannot be read, the session ends.
func (c *Command) feed() {
	if c.Stdin != nil {
		_, err := io.CopyBuffer(struct{ io.Writer }{c.session}, struct{ io.Reader }{c.Stdin}, make([]byte, 32<<10))
		if err != nil && !errors.Is(err, io.ErrClosedPipe) {
			c.input <- fmt.Errorf("the input of the command: %w", err) // before the session ends: Wait looks for it then
			c.session.Close()
			return
		}
	}
	c.session.done()
}

// Session returns the session of a command that was started, to resize its terminal.
func (c *Command) Session() *Session {
	return c.session
}

// Wait waits for the end of a command that was started.
func (c *Command) Wait() error {
	defer c.session.Close()
	for output, err := range c.session.Output() {
		if err != nil {
			return c.instead(err)
		}
		writer := c.Stdout
		if output.Stream == dockfleetv1.StandardStream_STANDARD_STREAM_STDERR {
			writer = c.Stderr
		}
		if writer != nil {
			if _, err := writer.Write(output.Data); err != nil {
				return err
			}
		}
	}
	return exitOf(c.session.End())
}

// instead returns the error of the input, if that ended the session.
func (c *Command) instead(err error) error {
	if c.ctx.Err() != nil {
		return err
	}
	select {
	case failure := <-c.input:
		return failure
	default:
		return err
	}
}

func exitOf(end *dockfleetv1.SessionEnd) error {
	switch {
	case end == nil:
		return &ExitError{Code: -1, UnknownReason: "the session ended without its last response"}
	case end.ExitCode == nil:
		return &ExitError{Code: -1, UnknownReason: end.UnknownReason}
	case *end.ExitCode != 0:
		return &ExitError{Code: int(*end.ExitCode)}
	}
	return nil
}
