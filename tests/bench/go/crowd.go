package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	dockfleet "dockfleet.internal/go/dockfleetv1"
)

const (
	pace        = 4 * time.Millisecond    // between the openings of two streams
	mostOpening = 48                      // streams of the gateway that wait for their first item at once
	openTimeout = 60 * time.Second        // until every stream has had its first item
	settle      = time.Second             // from then on, until what is counted begins
	silent      = 2500 * time.Millisecond // without an item, after which one counts as stalled; samples come once a second
)

// item is a line of a log, or a sample of stats: the number that the container wrote and when the engine received it,
// both zero for samples.
type item struct {
	number int64
	at     time.Time
}

// reader returns what comes next on one stream.
type reader func() ([]item, error)

// The streams without end, by name.
var endless = map[string]func(context.Context, target) (reader, error){
	"follow": follow, "stats": stats, "follow-engine": followEngine, "stats-engine": statsEngine,
}

// member is one of those who read; all but ready belongs to its goroutine until that has ended.
type member struct {
	ready                 chan struct{} // closed by its first item
	items, lost, repeated int64         // counted, like all of these, while the crowd is measured
	lags                  []time.Duration
	silence               time.Duration // the longest
	last                  int64         // the number of the line before
	lastAt                time.Time
}

// crowd is all who read at the same time.
type crowd struct {
	members   []*member
	measuring atomic.Bool
	began     time.Time    // of what is measured; set before measuring is
	newest    atomic.Int64 // number of any line that anybody has read
}

// measureCrowd opens one stream for each target, prints how many there are when all have had their first item, and
// returns what they got in the time from then on.
func measureCrowd(
	open func(context.Context, target) (reader, error), targets []target, opening int, duration time.Duration,
) (map[string]any, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var all crowd
	var running sync.WaitGroup
	start := time.Now()
	places := make(chan struct{}, opening)
	late := time.AfterFunc(openTimeout, func() { cancel(fmt.Errorf("no first item within %s", openTimeout)) })
	for _, to := range targets {
		one := &member{ready: make(chan struct{})}
		all.members = append(all.members, one)
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		running.Go(func() {
			if err := one.run(ctx, &all, open, to, places); ctx.Err() == nil {
				cancel(err)
			}
		})
		time.Sleep(pace)
	}
	for _, one := range all.members {
		select {
		case <-one.ready:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	late.Stop()
	opened := time.Since(start)
	time.Sleep(settle)
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{
		"opened": len(targets), "opening_seconds": opened.Seconds(),
	}); err != nil {
		return nil, err
	}

	all.began = time.Now()
	before := all.newest.Load()
	all.measuring.Store(true)
	select {
	case <-time.After(duration):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	all.measuring.Store(false)
	elapsed, due := time.Since(all.began), all.newest.Load()-before // lines, to each
	cancel(nil)
	running.Wait()
	report := all.report(elapsed)
	report["seconds"] = elapsed.Seconds()
	report["due"] = due * int64(len(targets))
	if due == 0 {
		report["due"] = all.most(targets)
	}
	return report, nil
}

func (m *member) run(
	ctx context.Context, all *crowd, open func(context.Context, target) (reader, error), to target, places chan struct{},
) error {
	next, err := open(ctx, to)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		items, err := next()
		if err == io.EOF {
			return fmt.Errorf("a stream of %s has ended", to.id)
		}
		if err != nil {
			return err
		}
		m.take(items, all)
		if first {
			close(m.ready)
			<-places
		}
	}
}

// take takes in what was read now.
func (m *member) take(items []item, all *crowd) {
	now, measuring := time.Now(), all.measuring.Load()
	for _, one := range items {
		if measuring {
			m.count(one, now)
		}
		m.last = max(m.last, one.number)
		for newest := all.newest.Load(); one.number > newest; newest = all.newest.Load() {
			if all.newest.CompareAndSwap(newest, one.number) {
				break
			}
		}
	}
	if len(items) == 0 {
		return // a sign of life, or other news about the stream
	}
	if measuring {
		m.silence = max(m.silence, now.Sub(latest(m.lastAt, all.began)))
	}
	m.lastAt = now
}

func (m *member) count(one item, now time.Time) {
	m.items++
	if one.number == 0 {
		return
	}
	m.lags = append(m.lags, now.Sub(one.at))
	if m.last > 0 && one.number > m.last {
		m.lost += one.number - m.last - 1
	} else if m.last > 0 {
		m.repeated++
	}
}

// most returns how many items there would be if every stream had got as many as the one that got most of the same container.
func (all *crowd) most(targets []target) int64 {
	most := make(map[string]int64)
	for index, one := range all.members {
		most[targets[index].id] = max(most[targets[index].id], one.items)
	}
	var sum int64
	for _, to := range targets {
		sum += most[to.id]
	}
	return sum
}

// report sums up: items of all; lines lost between others, or read before; lags; the longest time without an item,
// and how many had to wait for longer than that may be.
func (all *crowd) report(elapsed time.Duration) map[string]any {
	var items, lost, repeated, stalled int64
	var silence time.Duration
	var lags []time.Duration
	for _, one := range all.members {
		items += one.items
		lost += one.lost
		repeated += one.repeated
		lags = append(lags, one.lags...)
		one.silence = max(one.silence, all.began.Add(elapsed).Sub(latest(one.lastAt, all.began)))
		silence = max(silence, one.silence)
		if one.silence > silent {
			stalled++
		}
	}
	report := map[string]any{
		"items": items, "lost": lost, "repeated": repeated,
		"silence_ms": milliseconds(silence), "stalled": stalled,
	}
	if len(lags) > 0 {
		slices.Sort(lags)
		report["p50_ms"] = milliseconds(lags[(len(lags)-1)*50/100])
		report["p99_ms"] = milliseconds(lags[(len(lags)-1)*99/100])
		report["max_ms"] = milliseconds(lags[len(lags)-1])
	}
	return report
}

func milliseconds(duration time.Duration) float64 { return float64(duration.Microseconds()) / 1e3 }

func latest(one, other time.Time) time.Time {
	if one.After(other) {
		return one
	}
	return other
}

// follow follows a log through the gateway, from now on.
func follow(ctx context.Context, to target) (reader, error) {
	batches, err := dockfleet.NewContainerServiceClient(to.gateway).StreamLogs(ctx,
		&dockfleet.StreamLogsRequest{Host: to.host, Id: to.id, Follow: new(true), Tail: new(uint32(0))})
	if err != nil {
		return nil, err
	}
	return func() ([]item, error) {
		batch, err := batches.Recv()
		if err != nil {
			return nil, err
		}
		entries := batch.GetBatch().GetEntries()
		items := make([]item, len(entries))
		for index, entry := range entries {
			number, err := numbered(entry.Data)
			if err != nil {
				return nil, err
			}
			items[index] = item{number, entry.Time.AsTime()}
		}
		return items, nil
	}, nil
}

// stats reads samples through the gateway.
func stats(ctx context.Context, to target) (reader, error) {
	samples, err := dockfleet.NewContainerServiceClient(to.gateway).
		StreamStats(ctx, &dockfleet.StreamStatsRequest{Host: to.host, Id: to.id})
	if err != nil {
		return nil, err
	}
	return func() ([]item, error) {
		sample, err := samples.Recv()
		if err != nil || sample.GetStats() == nil {
			return nil, err
		}
		return make([]item, 1), nil
	}, nil
}

// followEngine follows a log on the engine's own socket, from now on.
func followEngine(ctx context.Context, to target) (reader, error) {
	body, err := get(ctx, to, "logs?follow=true&stdout=true&stderr=true&timestamps=true&tail=0")
	if err != nil {
		return nil, err
	}
	var head [8]byte // of a frame: see the Engine's ContainerAttach
	var frame []byte
	return func() ([]item, error) {
		if _, err := io.ReadFull(body, head[:]); err != nil {
			return nil, err
		}
		frame = slices.Grow(frame[:0], int(binary.BigEndian.Uint32(head[4:])))[:binary.BigEndian.Uint32(head[4:])]
		if _, err := io.ReadFull(body, frame); err != nil {
			return nil, err
		}
		stamp, line, _ := bytes.Cut(frame, []byte(" "))
		at, err := time.Parse(time.RFC3339Nano, string(stamp))
		if err != nil {
			return nil, err
		}
		number, err := numbered(line)
		return []item{{number, at}}, err
	}, nil
}

// statsEngine reads samples on the engine's own socket.
func statsEngine(ctx context.Context, to target) (reader, error) {
	body, err := get(ctx, to, "stats?stream=true")
	if err != nil {
		return nil, err
	}
	return func() ([]item, error) {
		_, err := body.ReadSlice('\n')
		for err == bufio.ErrBufferFull {
			_, err = body.ReadSlice('\n')
		}
		return make([]item, 1), err
	}, nil
}

// get asks the engine about a container, on a connection of its own, and returns the answer's body.
func get(ctx context.Context, to target, what string) (*bufio.Reader, error) {
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", to.engine)
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/v1.41/containers/"+to.id+"/"+what, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the engine answers %s", answer.Status)
	}
	return bufio.NewReader(answer.Body), nil // which ends with ctx
}

// numbered returns the number that a line begins with.
func numbered(line []byte) (int64, error) {
	digits, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
	number, err := strconv.ParseInt(string(digits), 10, 64)
	return number, err
}

// spread returns the targets of so many streams, over as many connections; ids take turns.
func spread(members int, gateways []*grpc.ClientConn, to target, ids []string) []target {
	targets := make([]target, members)
	for index := range targets {
		targets[index] = to
		targets[index].id = ids[index%len(ids)]
		if len(gateways) > 0 {
			targets[index].gateway = gateways[index/len(ids)%len(gateways)]
		}
	}
	return targets
}
