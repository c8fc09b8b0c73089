package dockfleet

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// DefaultAddress is where a gateway listens if nothing else is configured.
const DefaultAddress = "127.0.0.1:50051"

const (
	largestResponse = 64 << 20 // bytes; a long list is more than gRPC's own 4 MiB
	defaultRetry    = time.Minute
	defaultPort     = "50051"
)

var (
	visible     = regexp.MustCompile(`^[!-~]+$`)
	hostAndPort = regexp.MustCompile(`^([^\s:/@\[\]]+|\[[^\s/@\[\]]+\])(?::([0-9]+))?$`)
	otherName   = regexp.MustCompile(`^(dns|unix|unix-abstract|passthrough):.+`) // what gRPC resolves besides
)

// reconnect is how soon a gateway that was away is found again: gRPC's own two minutes are longer than a restart.
var reconnect = backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}

// Fleet is a gateway with all its hosts.  Goroutines may share it.
type Fleet struct {
	connections *connections
	stubs       *stubs
	retry       time.Duration
}

// Dial returns the fleet of the gateway at an address: HOST:PORT, HOST for port 50051, or another name of gRPC such as
// unix:///run/dockfleet.sock.  Nothing is sent before the first call.  Without an option for TLS the connection is not
// encrypted.
//
// It fails if the address is empty, a URL such as http://… or otherwise no HOST:PORT, if a file cannot be read or is no
// PEM file, and if options do not fit together.
func Dial(address string, options ...Option) (*Fleet, error) {
	address, err := target(address)
	if err != nil {
		return nil, err
	}
	settings := settings{retry: defaultRetry}
	for _, option := range options {
		if err := option(&settings); err != nil {
			return nil, err
		}
	}
	security, err := settings.security()
	if err != nil {
		return nil, err
	}
	all := append([]grpc.DialOption{
		security,
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestResponse)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 20 * time.Second}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
	}, settings.dial...)
	if settings.token != "" {
		all = append(all, grpc.WithPerRPCCredentials(bearer(settings.token)))
	}
	connections, err := dial(address, all)
	if err != nil {
		return nil, err
	}
	return &Fleet{connections, newStubs(connections), settings.retry}, nil
}

// target returns an address as gRPC takes it.
func target(address string) (string, error) {
	if strings.TrimSpace(address) == "" {
		return "", errors.New("the address of the gateway is empty: HOST:PORT is wanted")
	}
	if otherName.MatchString(address) {
		return address, nil
	}
	if scheme, _, isURL := strings.Cut(address, "://"); isURL {
		return "", fmt.Errorf("the address of the gateway is HOST:PORT, without %s://: %q", scheme, address)
	}
	if net.ParseIP(address) != nil {
		return net.JoinHostPort(address, defaultPort), nil
	}
	parts := hostAndPort.FindStringSubmatch(address)
	if parts == nil {
		return "", fmt.Errorf("the address of the gateway is HOST:PORT: %q", address)
	}
	host, port := strings.Trim(parts[1], "[]"), cmp.Or(parts[2], defaultPort)
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return "", fmt.Errorf("the address of the gateway is HOST:PORT: %q", address)
	}
	return net.JoinHostPort(host, port), nil
}

// DialEnvironment is Dial with what the environment says: DOCKFLEET_ADDRESS, DOCKFLEET_TLS_CA, DOCKFLEET_TLS_CERT,
// DOCKFLEET_TLS_KEY and DOCKFLEET_TOKEN.  The options come after that.
func DialEnvironment(options ...Option) (*Fleet, error) {
	address := os.Getenv("DOCKFLEET_ADDRESS")
	if address == "" {
		address = DefaultAddress
	}
	var own []Option
	if ca := os.Getenv("DOCKFLEET_TLS_CA"); ca != "" {
		own = append(own, WithCA(ca))
	}
	certificate, key := os.Getenv("DOCKFLEET_TLS_CERT"), os.Getenv("DOCKFLEET_TLS_KEY")
	if (certificate == "") != (key == "") {
		return nil, errors.New("DOCKFLEET_TLS_CERT and DOCKFLEET_TLS_KEY belong together: one is set without the other")
	}
	if certificate != "" {
		own = append(own, WithCertificate(certificate, key))
	}
	if token := os.Getenv("DOCKFLEET_TOKEN"); token != "" {
		own = append(own, WithToken(token))
	}
	return Dial(address, append(own, options...)...)
}

// Host returns the host of a name.  Nothing is sent; a host that does not exist fails the first call.
func (f *Fleet) Host(name string) *Host {
	return &Host{name, f}
}

// Connection returns what the generated clients need, such as dockfleetv1.NewContainerServiceClient.  Their calls return
// the errors of gRPC.
func (f *Fleet) Connection() grpc.ClientConnInterface {
	return f.connections
}

// Close ends all connections and their calls.
func (f *Fleet) Close() error {
	return f.connections.close()
}

// Host is one host of a fleet.
type Host struct {
	name  string
	fleet *Fleet
}

// Name returns the name of the host.
func (h *Host) Name() string {
	return h.name
}

// Option is an option of Dial.
type Option func(*settings) error

type settings struct {
	tls   *tls.Config
	token string
	retry time.Duration
	dial  []grpc.DialOption
}

// WithTLS uses TLS with these settings; without any, the authorities of the system are trusted.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) error {
		if config == nil {
			config = &tls.Config{}
		}
		s.tls = config.Clone()
		return nil
	}
}

// WithCA uses TLS and trusts the authorities in a PEM file.
func WithCA(file string) Option {
	return func(s *settings) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return fmt.Errorf("%s has no certificate: a PEM file is wanted", file)
		}
		s.encrypted().RootCAs = pool
		return nil
	}
}

// WithCertificate uses TLS, and presents the certificate in a PEM file, whose key is in another.
func WithCertificate(certificate, key string) Option {
	return func(s *settings) error {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", certificate, key, err)
		}
		s.encrypted().Certificates = []tls.Certificate{pair}
		return nil
	}
}

// WithToken sends a token with each call, as `authorization: Bearer TOKEN`, for a proxy before the gateway.  It needs TLS.
func WithToken(token string) Option {
	return func(s *settings) error {
		if !visible.MatchString(token) {
			return errors.New("the token is empty or has characters that cannot be sent: blanks, line breaks, or others than ASCII")
		}
		s.token = token
		return nil
	}
}

// WithRetry says for how long a stream that broke is called again without success; 0 is never.  Default: a minute.
func WithRetry(retry time.Duration) Option {
	return func(s *settings) error {
		if retry < 0 {
			return errors.New("WithRetry needs 0 or more")
		}
		s.retry = retry
		return nil
	}
}

// WithDialOptions adds options of gRPC, which replace those of this package.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) error {
		s.dial = append(s.dial, options...)
		return nil
	}
}

func (s *settings) encrypted() *tls.Config {
	if s.tls == nil {
		s.tls = &tls.Config{}
	}
	return s.tls
}

func (s *settings) security() (grpc.DialOption, error) {
	if s.tls != nil {
		return grpc.WithTransportCredentials(credentials.NewTLS(s.tls)), nil
	}
	if s.token != "" {
		return nil, errors.New("a token needs TLS: WithTLS or WithCA")
	}
	return grpc.WithTransportCredentials(insecure.NewCredentials()), nil
}

// bearer is a token that every call carries.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (b bearer) RequireTransportSecurity() bool {
	return true
}
