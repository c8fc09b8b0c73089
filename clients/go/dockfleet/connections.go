package dockfleet

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// streamsPerConnection leaves room below the 100 calls that many proxies allow on a connection; the gateway allows 200.
const streamsPerConnection = 80

// notResolved is what gRPC says when the name of the gateway is not known.
const notResolved = "name resolver error: produced zero addresses"

// connections are those to one gateway.  Calls with one response have a connection of their own, so that streams never
// hold them up; streams get another connection when all of theirs are full.
type connections struct {
	address string
	dial    func() (*grpc.ClientConn, error)
	calls   *grpc.ClientConn

	mutex   sync.Mutex
	streams map[*grpc.ClientConn]int
	closed  bool
}

func dial(address string, options []grpc.DialOption) (*connections, error) {
	dial := func() (*grpc.ClientConn, error) { return grpc.NewClient(address, options...) }
	calls, err := dial()
	if err != nil {
		return nil, err
	}
	return &connections{address: address, dial: dial, calls: calls, streams: map[*grpc.ClientConn]int{}}, nil
}

// Invoke makes a call with one response.
func (c *connections) Invoke(ctx context.Context, method string, request, response any, options ...grpc.CallOption) error {
	if c.isClosed() {
		return ErrClosed
	}
	return c.explained(c.calls.Invoke(ctx, method, request, response, options...))
}

// explained names the address in the failure of a name, in which gRPC does not.
func (c *connections) explained(err error) error {
	if call, _ := status.FromError(err); call.Code() == codes.Unavailable && call.Message() == notResolved {
		return status.Errorf(codes.Unavailable, "the name in %s is not known: %s", c.address, notResolved)
	}
	return err
}

// NewStream makes any other call.
func (c *connections) NewStream(
	ctx context.Context, about *grpc.StreamDesc, method string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	connection, err := c.take()
	if err != nil {
		return nil, err
	}
	var once sync.Once
	release := func(error) { once.Do(func() { c.release(connection) }) }
	stream, err := connection.NewStream(ctx, about, method, append(options, grpc.OnFinish(release))...)
	if err != nil {
		release(err)
	}
	return stream, c.explained(err)
}

func (c *connections) take() (*grpc.ClientConn, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	for connection, streams := range c.streams {
		if streams < streamsPerConnection {
			c.streams[connection]++
			return connection, nil
		}
	}
	connection, err := c.dial()
	if err == nil {
		c.streams[connection] = 1
	}
	return connection, err
}

func (c *connections) isClosed() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.closed
}

func (c *connections) release(connection *grpc.ClientConn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.streams[connection]--
	if c.streams[connection] == 0 && len(c.streams) > 1 {
		delete(c.streams, connection)
		go connection.Close() // not from within the call that has just ended
	}
}

func (c *connections) close() error {
	c.mutex.Lock()
	c.closed = true
	streams := c.streams
	c.streams = map[*grpc.ClientConn]int{}
	c.mutex.Unlock()
	err := c.calls.Close()
	for connection := range streams {
		err = errors.Join(err, connection.Close())
	}
	return err
}
