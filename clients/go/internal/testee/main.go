// Testee is the Go client as the conformance suite runs it: see clients/conformance.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"dockfleet.internal/go/dockfleet"
	fleetv1 "dockfleet.internal/go/dockfleetfleetv1"
	v1 "dockfleet.internal/go/dockfleetv1"
)

type testee struct {
	context.Context
	fleet *dockfleet.Fleet
}

// commands are the commands with the least number of their arguments.
var commands = map[string]struct {
	arguments int
	run       func(testee, []string) error
}{
	"hosts":    {0, testee.hosts},
	"ps":       {0, testee.ps},
	"logs":     {3, testee.logs},
	"events":   {2, testee.events},
	"stats":    {3, testee.stats},
	"exec":     {3, testee.exec},
	"run":      {2, testee.run},
	"pull":     {2, testee.pull},
	"upload":   {3, testee.upload},
	"download": {3, testee.download},
	"error":    {2, testee.inspect},
	"deadline": {3, testee.deadline},
	"cancel":   {2, testee.cancel},
	"find":     {1, testee.find},
	"follow":   {2, testee.follow},
	"restart":  {1, testee.restart},
}

func main() {
	if len(os.Args) < 2 || len(os.Args)-2 < commands[os.Args[1]].arguments || commands[os.Args[1]].run == nil {
		fmt.Fprintln(os.Stderr, "usage: see clients/conformance/README.md")
		os.Exit(2)
	}
	fleet, err := dockfleet.DialEnvironment()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer fleet.Close()
	if err := commands[os.Args[1]].run(testee{context.Background(), fleet}, os.Args[2:]); err != nil {
		report(err)
		os.Exit(1)
	}
}

func report(err error) {
	fmt.Fprintln(os.Stderr, err)
	var failure *dockfleet.Error
	if !errors.As(err, &failure) {
		return
	}
	reason, host := cmp.Or(string(failure.Reason), "-"), cmp.Or(failure.Host, "-")
	fmt.Println("error", code.Code(failure.Code), reason, host, failure.RetrySafe)
	if failure.Resource != nil {
		fmt.Println("resource", failure.Resource.Type, failure.Resource.Name)
	}
	for _, violation := range failure.Violations {
		fmt.Println("violation", violation.Field)
	}
	if failure.RetryAfter > 0 {
		fmt.Println("retry-after", int(failure.RetryAfter.Seconds()))
	}
}

func (t testee) hosts([]string) error {
	answer, err := t.fleet.ListHosts(t, nil)
	for _, host := range answer.GetHosts() {
		fmt.Println("host", host.Name, word(host.State, "HOST_STATE_"))
	}
	return err
}

func (t testee) ps([]string) error {
	hosts, err := t.fleet.ListHosts(t, nil)
	if err != nil {
		return err
	}
	for _, host := range hosts.Hosts {
		answer, err := t.fleet.Host(host.Name).ListContainers(t, &v1.ListContainersRequest{All: proto.Bool(true)})
		if err != nil {
			return err
		}
		show(host.Name, answer.Containers)
	}
	return nil
}

func (t testee) logs(args []string) error {
	left := number(args[2])
	request := &v1.StreamLogsRequest{Id: args[1], Follow: proto.Bool(true)}
	for response, err := range t.fleet.Host(args[0]).StreamLogs(t, request) {
		if err != nil {
			return err
		}
		for _, entry := range response.GetBatch().GetEntries() {
			fmt.Println("line", stream(entry.Stream), text(entry.Data))
			if left--; left == 0 {
				return nil
			}
		}
		showGap(response.GetGap())
		if end := response.GetEnd(); end != nil {
			fmt.Println("end", word(end.Reason, "LOG_END_REASON_"), exit(end.ExitCode))
		}
	}
	return nil
}

func (t testee) events(args []string) error {
	left := number(args[1])
	for response, err := range t.fleet.Host(args[0]).StreamEvents(t, nil) {
		if err != nil {
			return err
		}
		showGap(response.GetGap())
		if event := response.GetEvent(); event != nil {
			fmt.Println("event", event.Type, event.Action, event.Actor.GetId())
			if left--; left == 0 {
				return nil
			}
		}
	}
	return nil
}

func (t testee) stats(args []string) error {
	left := number(args[2])
	for response, err := range t.fleet.Host(args[0]).StreamStats(t, &v1.StreamStatsRequest{Id: args[1]}) {
		if err != nil {
			return err
		}
		if response.GetNotRunning() != nil {
			fmt.Println("not-running")
		}
		if stats := response.GetStats(); stats != nil {
			fmt.Println("stats", stats.Summary.GetMemoryBytes())
			if left--; left == 0 {
				return nil
			}
		}
	}
	return nil
}

func (t testee) exec(args []string) error {
	var stdout, stderr bytes.Buffer
	command := t.fleet.Host(args[0]).Command(t, args[1], args[2:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, &stdout, &stderr
	err := command.Run()
	var failed *dockfleet.ExitError
	if err != nil && !errors.As(err, &failed) {
		return err
	}
	showOutput(stdout.Bytes(), stderr.Bytes(), command.Session().End())
	return nil
}

func (t testee) run(args []string) error {
	var stdout, stderr bytes.Buffer
	var end *v1.SessionEnd
	request := &v1.RunContainerRequest{Config: &v1.ContainerSpec{
		Image: &args[1], Cmd: args[2:], HostConfig: &v1.HostConfig{AutoRemove: proto.Bool(true)},
	}}
	for response, err := range t.fleet.Host(args[0]).RunContainer(t, request) {
		if err != nil {
			return err
		}
		if output := response.GetOutput(); output.GetStream() == v1.StandardStream_STANDARD_STREAM_STDERR {
			stderr.Write(output.Data)
		} else {
			stdout.Write(output.GetData())
		}
		if response.GetEnd() != nil {
			end = response.GetEnd()
		}
	}
	showOutput(stdout.Bytes(), stderr.Bytes(), end)
	return nil
}

func (t testee) pull(args []string) error {
	for response, err := range t.fleet.Host(args[0]).PullImage(t, &v1.PullImageRequest{Image: args[1]}) {
		if err != nil {
			return err
		}
		fmt.Println("progress", response.GetProgress().GetStatus())
	}
	fmt.Println("done")
	return nil
}

func (t testee) upload(args []string) error {
	start := &v1.PutContainerArchiveStart{Id: args[1], Path: &args[2]}
	_, err := t.fleet.Host(args[0]).PutContainerArchive(t, start, os.Stdin)
	if err == nil {
		fmt.Println("done")
	}
	return err
}

func (t testee) download(args []string) error {
	request := &v1.GetContainerArchiveRequest{Id: args[1], Path: &args[2]}
	archive := t.fleet.Host(args[0]).GetContainerArchive(t, request)
	defer archive.Close()
	size, err := io.Copy(io.Discard, archive)
	if err == nil {
		fmt.Println("downloaded", size)
	}
	return err
}

func (t testee) inspect(args []string) error {
	answer, err := t.fleet.Host(args[0]).InspectContainer(t, &v1.InspectContainerRequest{Id: args[1]})
	if err == nil {
		fmt.Println("container", strings.TrimPrefix(answer.Container.GetName(), "/"))
	}
	return err
}

func (t testee) deadline(args []string) error {
	seconds, err := strconv.ParseFloat(args[2], 64)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t, time.Duration(seconds*float64(time.Second)))
	defer cancel()
	answer, err := t.fleet.Host(args[0]).WaitContainer(ctx, &v1.WaitContainerRequest{Id: args[1]})
	if err == nil {
		fmt.Println("exit", answer.ExitCode)
	}
	return err
}

func (t testee) cancel(args []string) error {
	if len(args) == 2 {
		if err := t.logs(append(args, "1")); err != nil {
			return err
		}
	} else if err := t.cancelExec(args); err != nil {
		return err
	}
	fmt.Println("cancelled")
	return t.hosts(nil)
}

func (t testee) cancelExec(args []string) error {
	session, err := t.fleet.Host(args[0]).Exec(t, &v1.ExecStart{Id: args[1], Cmd: args[2:]})
	if err != nil {
		return err
	}
	defer session.Close()
	for output, err := range session.Output() {
		if err != nil {
			return err
		}
		showLines("stdout", output.Data)
		break
	}
	return nil
}

func (t testee) find(args []string) error {
	request := &fleetv1.FindContainersRequest{Hosts: dockfleet.AllHosts(), Containers: dockfleet.Containers(args[0])}
	for response, err := range t.fleet.FindContainers(t, request) {
		if err != nil {
			return err
		}
		for _, answer := range response.Answers {
			show(answer.Host, answer.Containers)
		}
		for _, failure := range response.GetSummary().GetFailures() {
			fmt.Println("failure", failure.Host, reason(failure.Failure))
		}
	}
	return nil
}

func (t testee) follow(args []string) error {
	left := number(args[1])
	request := &fleetv1.StreamLogsRequest{
		Hosts: dockfleet.AllHosts(), Containers: labelled(args[0]),
		Request: &v1.StreamLogsRequest{Follow: proto.Bool(true)},
	}
	for response, err := range t.fleet.StreamLogs(t, request) {
		if err != nil {
			return err
		}
		for _, record := range response.Records {
			for _, entry := range record.GetBatch().GetEntries() {
				fmt.Println("line", record.Host, record.ContainerName, stream(entry.Stream), text(entry.Data))
				if left--; left == 0 {
					return nil
				}
			}
		}
	}
	return nil
}

func (t testee) restart(args []string) error {
	request := &fleetv1.RestartContainersRequest{Hosts: dockfleet.AllHosts(), Containers: labelled(args[0])}
	for response, err := range t.fleet.RestartContainers(t, request) {
		if err != nil {
			return err
		}
		for _, result := range response.Results {
			what := "ok"
			if result.GetSkipped() != nil {
				what = "skipped"
			} else if result.GetFailure() != nil {
				what = reason(result.GetFailure())
			}
			fmt.Println("result", result.Target.GetHost(), result.Target.GetContainerName(), what)
		}
		if summary := response.Summary; summary != nil {
			fmt.Println("summary", summary.Succeeded, summary.Failed, summary.Skipped)
		}
	}
	return nil
}

func labelled(label string) *fleetv1.ContainerSelector {
	key, value, _ := strings.Cut(label, "=")
	return dockfleet.ContainersWith(dockfleet.Label(key, value))
}

func reason(failure *v1.Failure) string {
	return word(failure.GetReason(), "ERROR_REASON_")
}

func show(host string, containers []*v1.ContainerSummary) {
	for _, each := range containers {
		fmt.Println("container", host, strings.TrimPrefix(each.Names[0], "/"), each.State, each.GetSizeRwBytes())
	}
}

func showGap(gap *v1.Gap) {
	if gap != nil {
		fmt.Println("gap", word(gap.Reason, "GAP_REASON_"), gap.Count)
	}
}

func showOutput(stdout, stderr []byte, end *v1.SessionEnd) {
	showLines("stdout", stdout)
	showLines("stderr", stderr)
	var code *int64
	if end != nil {
		code = end.ExitCode
	}
	fmt.Println("exit", exit(code))
}

func showLines(stream string, output []byte) {
	if len(output) == 0 {
		return
	}
	for _, line := range strings.Split(strings.TrimSuffix(text(output), "\n"), "\n") {
		fmt.Println(stream, line)
	}
}

func text(data []byte) string {
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

func stream(value v1.StandardStream) string {
	return strings.ToLower(word(value, "STANDARD_STREAM_"))
}

// word returns the name of a value without its prefix, or its number.
func word(value interface {
	protoreflect.Enum
	fmt.Stringer
}, prefix string) string {
	return strings.TrimPrefix(value.String(), prefix)
}

func exit(code *int64) string {
	if code == nil {
		return "unknown"
	}
	return strconv.FormatInt(*code, 10)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return value
}
