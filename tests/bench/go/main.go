// Bench puts a gateway under load from a Go client, and prints what it saw as one line of JSON.
//
//	bench [-address A] -rpc ping|inspect|list|remembered|noop [-host H] [-id ID] [-inflight N] [-seconds S]
//	bench [-address A] -rpc export|logs -host H -id ID [-inflight N] [-seconds S]
//	bench [-address A] -rpc follow|stats -host H -id ID[,ID…] [-inflight N] [-connections C] [-seconds S]
//	bench -engine PATH -rpc follow-engine|stats-engine -id ID[,ID…] [-inflight N] [-seconds S]
//
// N workers make one call after the other for S seconds, over one connection; the calls under way then are finished
// and count.  All rates are over the time that really passed.
//
// ping, inspect and list (of all containers) are single calls; remembered is a list that the gateway's inventory
// answers, and that is not parsed; noop is one that does nothing, served at /dockfleet.bench.Noop/Call.  They print
// calls, seconds, p50_us, p99_us and calls_per_second.
//
// export and logs read streams to their end.  They print calls, seconds, bytes and bytes_per_second, and logs also
// entries and entries_per_second; an empty log, or an entry without time or stream, is a failure.
//
// follow and stats open N endless streams, over C connections, and read them for S seconds; with -engine, on the
// engine's own socket, each over one of its own.  A follower's container must write a number on each line, each one
// higher than the line before.  They print opened and opening_seconds as soon as all streams are open; in the end, of
// the time from then on, items and due (how many came to all of them, and should have), silence_ms (the longest time
// that one had to wait) and stalled (how many waited for more than 2.5 s); follow also lost and repeated (numbers), and
// p50_ms, p99_ms and max_ms (from the engine's time of a line to its arrival).
//
// The first failure of any call ends the run with exit code 1.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	dockfleet "dockfleet.internal/go/dockfleetv1"
)

const warmUp = 300 * time.Millisecond // of single calls, which are not counted

// target is where the calls go: to a host by the gateway, or to an engine's socket.
type target struct {
	gateway  *grpc.ClientConn
	host, id string
	engine   string
}

// The calls, by name.
var (
	singles = map[string]func(context.Context, target) error{
		"ping": ping, "inspect": inspect, "list": list, "remembered": remembered, "noop": noop,
	}
	streams = map[string]func(context.Context, target) (volume, error){
		"export": export, "logs": logs,
	}
)

// volume is what a stream delivered.
type volume struct{ bytes, entries int64 }

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	address := flag.String("address", "127.0.0.1:50051", "where the gateway listens")
	rpc := flag.String("rpc", "ping", "what to call: ping, inspect, list, remembered, noop, export, logs, follow or stats")
	engine := flag.String("engine", "", "the engine's socket, for follow-engine and stats-engine")
	host := flag.String("host", "", "the host")
	id := flag.String("id", "", "the container")
	inflight := flag.Int("inflight", 1, "how many calls are under way at any time")
	seconds := flag.Float64("seconds", 5, "for how long")
	connections := flag.Int("connections", 1, "over how many connections")
	flag.Parse()

	gateways := make([]*grpc.ClientConn, *connections)
	for index := range gateways {
		gateway, err := grpc.NewClient(*address,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
		if err != nil {
			log.Fatal(err)
		}
		defer gateway.Close()
		gateways[index] = gateway
	}

	to := target{gateways[0], *host, *id, *engine}
	duration := time.Duration(*seconds * float64(time.Second))
	var report map[string]any
	var err error
	if call := singles[*rpc]; call != nil {
		report, err = measureSingles(call, to, *inflight, duration)
	} else if read := streams[*rpc]; read != nil {
		report, err = measureStreams(read, to, *inflight, duration)
	} else if open := endless[*rpc]; open != nil {
		opening := mostOpening
		if *engine != "" {
			opening = *inflight
		}
		targets := spread(*inflight, gateways, to, strings.Split(*id, ","))
		report, err = measureCrowd(open, targets, opening, duration)
	} else {
		err = fmt.Errorf("there is no -rpc %s", *rpc)
	}
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		log.Fatal(err)
	}
}

func measureSingles(
	call func(context.Context, target) error, to target, inflight int, duration time.Duration,
) (map[string]any, error) {
	once := func(ctx context.Context) (time.Duration, error) {
		start := time.Now()
		err := call(ctx, to)
		return time.Since(start), err
	}
	if _, _, err := repeat(inflight, warmUp, once); err != nil {
		return nil, err
	}
	latencies, elapsed, err := repeat(inflight, duration, once)
	if err != nil {
		return nil, err
	}
	slices.Sort(latencies)
	percentile := func(p int) int64 { return latencies[(len(latencies)-1)*p/100].Microseconds() }
	return map[string]any{
		"calls":            len(latencies),
		"seconds":          elapsed.Seconds(),
		"p50_us":           percentile(50),
		"p99_us":           percentile(99),
		"calls_per_second": float64(len(latencies)) / elapsed.Seconds(),
	}, nil
}

func measureStreams(
	read func(context.Context, target) (volume, error), to target, inflight int, duration time.Duration,
) (map[string]any, error) {
	volumes, elapsed, err := repeat(inflight, duration, func(ctx context.Context) (volume, error) {
		return read(ctx, to)
	})
	if err != nil {
		return nil, err
	}
	var total volume
	for _, each := range volumes {
		total.bytes += each.bytes
		total.entries += each.entries
	}
	report := map[string]any{
		"calls":            len(volumes),
		"seconds":          elapsed.Seconds(),
		"bytes":            total.bytes,
		"bytes_per_second": float64(total.bytes) / elapsed.Seconds(),
	}
	if total.entries > 0 {
		report["entries"] = total.entries
		report["entries_per_second"] = float64(total.entries) / elapsed.Seconds()
	}
	return report, nil
}

// repeat has workers call do over and over, each at least once, until the time is up, and returns all results and the
// time until the last of them.
func repeat[R any](
	workers int, duration time.Duration, do func(context.Context) (R, error),
) (all []R, elapsed time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)

	start := time.Now()
	parts := make(chan []R)
	for range workers {
		go func() {
			var part []R
			for ok := true; ok; ok = time.Since(start) < duration {
				result, err := do(ctx)
				if err != nil {
					cancel(err) // the first one stays
					break
				}
				part = append(part, result)
			}
			parts <- part
		}()
	}
	for range workers {
		all = append(all, <-parts...)
	}
	return all, time.Since(start), context.Cause(ctx)
}

func ping(ctx context.Context, to target) error {
	_, err := dockfleet.NewSystemServiceClient(to.gateway).Ping(ctx, &dockfleet.PingRequest{Host: to.host})
	return err
}

func inspect(ctx context.Context, to target) error {
	_, err := dockfleet.NewContainerServiceClient(to.gateway).
		InspectContainer(ctx, &dockfleet.InspectContainerRequest{Host: to.host, Id: to.id})
	return err
}

func list(ctx context.Context, to target) error {
	_, err := dockfleet.NewContainerServiceClient(to.gateway).
		ListContainers(ctx, &dockfleet.ListContainersRequest{Host: to.host, All: new(true)})
	return err
}

// unread is a response of which only the size is looked at.
type unread int

// unreadCodec writes requests, and leaves responses as they are.
type unreadCodec struct{}

func (unreadCodec) Name() string { return "proto" }

func (unreadCodec) Marshal(request any) ([]byte, error) { return proto.Marshal(request.(proto.Message)) }

func (unreadCodec) Unmarshal(data []byte, response any) error {
	*response.(*unread) = unread(len(data))
	return nil
}

func remembered(ctx context.Context, to target) error {
	var size unread
	request := &dockfleet.ListContainersRequest{Host: to.host, All: new(true), MaxAge: durationpb.New(time.Minute)}
	err := to.gateway.Invoke(ctx, dockfleet.ContainerService_ListContainers_FullMethodName, request, &size,
		grpc.ForceCodec(unreadCodec{}))
	if err == nil && size == 0 {
		return fmt.Errorf("the list of %s is empty", to.host)
	}
	return err
}

func noop(ctx context.Context, to target) error {
	return to.gateway.Invoke(ctx, "/dockfleet.bench.Noop/Call", &emptypb.Empty{}, &emptypb.Empty{})
}

func export(ctx context.Context, to target) (volume, error) {
	chunks, err := dockfleet.NewContainerServiceClient(to.gateway).
		ExportContainer(ctx, &dockfleet.ExportContainerRequest{Host: to.host, Id: to.id})
	if err != nil {
		return volume{}, err
	}
	var seen volume
	for {
		chunk, err := chunks.Recv()
		if err == io.EOF {
			return seen, nil
		}
		if err != nil {
			return volume{}, err
		}
		seen.bytes += int64(len(chunk.Data))
	}
}

func logs(ctx context.Context, to target) (volume, error) {
	batches, err := dockfleet.NewContainerServiceClient(to.gateway).
		StreamLogs(ctx, &dockfleet.StreamLogsRequest{Host: to.host, Id: to.id, Timestamps: new(true)})
	if err != nil {
		return volume{}, err
	}
	var seen volume
	for {
		batch, err := batches.Recv()
		if err == io.EOF && seen.entries == 0 {
			return volume{}, fmt.Errorf("the log of %s is empty", to.id)
		}
		if err == io.EOF {
			return seen, nil
		}
		if err != nil {
			return volume{}, err
		}
		for _, entry := range batch.GetBatch().GetEntries() {
			if entry.Time == nil || entry.Stream == dockfleet.StandardStream_STANDARD_STREAM_UNSPECIFIED {
				return volume{}, fmt.Errorf("entry %d has no time or no stream: %v", seen.entries, entry)
			}
			seen.bytes += int64(len(entry.Data))
			seen.entries++
		}
	}
}
