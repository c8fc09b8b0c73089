// The testee of the conformance suite: see clients/conformance/README.md.

import {
  bytes,
  Code,
  connectFromEnvironment,
  containers,
  DockfleetError,
  type Fleet,
  hosts as hostsOf,
  type Responses,
  type Session,
} from "@dockfleet/client";
import { HostState } from "@dockfleet/client/fleet/v1/hosts";
import { ErrorReason, type Gap, GapReason, type SessionEnd, StandardStream } from "@dockfleet/client/v1/common";
import { type ContainerSummary, LogEndReason } from "@dockfleet/client/v1/containers";

type Command = (fleet: Fleet, ...words: string[]) => Promise<void>;

const say = (...words: unknown[]) => process.stdout.write(`${words.join(" ")}\n`);
const text = (data: Uint8Array) => new TextDecoder().decode(data);
const word = (kind: Record<number, string>, value: number) => kind[value] ?? value;
const output = (stream: StandardStream) => String(word(StandardStream, stream)).toLowerCase();
const sayGap = ({ reason, count }: Gap) => say("gap", word(GapReason, reason), count);
const sayContainer = (host: string, { names, state, sizeRwBytes }: ContainerSummary) =>
  say("container", host, names[0]?.replace(/^\//, ""), state, sizeRwBytes ?? 0);
const sayExit = (end: { exitCode?: number | bigint | undefined } | undefined) => say("exit", end?.exitCode ?? "unknown");

function sayOutput(kind: string, data: Uint8Array): void {
  if (data.length) for (const line of text(data).replace(/\n$/, "").split("\n")) say(kind, line);
}

async function hosts(fleet: Fleet): Promise<void> {
  for (const { name, state } of (await fleet.hosts.listHosts()).hosts) say("host", name, word(HostState, state));
}

async function logs(fleet: Fleet, host: string, id: string, count: string): Promise<void> {
  let left = Number(count) || Infinity;
  for await (const { record } of fleet.host(host).containers.streamLogs({ id, follow: true })) {
    if (record.case === "gap") sayGap(record.value);
    if (record.case === "end") say("end", word(LogEndReason, record.value.reason), record.value.exitCode ?? "unknown");
    if (record.case !== "batch") continue;
    for (const { stream, data } of record.value.entries) {
      say("line", output(stream), text(data));
      if (--left === 0) return;
    }
  }
}

/** Passes responses to `print` until it has returned true `count` times. */
async function take<T>(responses: Responses<T>, count: string, print: (response: T) => number): Promise<void> {
  let left = Number(count) || Infinity;
  for await (const response of responses) {
    left -= print(response);
    if (left <= 0) return;
  }
}

const commands: Record<string, Command> = {
  hosts,
  logs,
  async ps(fleet) {
    for (const { name } of (await fleet.hosts.listHosts()).hosts) {
      const found = await fleet.host(name).containers.listContainers({ all: true });
      for (const container of found.containers) sayContainer(name, container);
    }
  },
  events: (fleet, host, count) =>
    take(fleet.host(host!).system.streamEvents(), count!, ({ record }) => {
      if (record.case === "gap") sayGap(record.value);
      if (record.case !== "event") return 0;
      say("event", record.value.type, record.value.action, record.value.actor?.id);
      return 1;
    }),
  stats: (fleet, host, id, count) =>
    take(fleet.host(host!).containers.streamStats({ id: id! }), count!, ({ record }) => {
      if (record.case === "notRunning") say("not-running");
      if (record.case !== "stats") return 0;
      say("stats", record.value.summary?.memoryBytes);
      return 1;
    }),
  async exec(fleet, host, id, ...cmd) {
    const result = await fleet.host(host!).execute(id!, cmd, { stdin: process.stdin });
    sayOutput("stdout", result.stdout);
    sayOutput("stderr", result.stderr);
    sayExit(result);
  },
  async run(fleet, host, image, ...cmd) {
    const config = { image: image!, cmd, hostConfig: { autoRemove: true } };
    const pieces: Record<number, Uint8Array[]> = { [StandardStream.STDOUT]: [], [StandardStream.STDERR]: [] };
    let end: SessionEnd | undefined;
    for await (const { record } of fleet.host(host!).containers.runContainer({ config })) {
      if (record.case === "output") pieces[record.value.stream]?.push(record.value.data);
      if (record.case === "end") end = record.value;
    }
    for (const [stream, data] of Object.entries(pieces)) sayOutput(output(Number(stream)), Buffer.concat(data));
    sayExit(end);
  },
  async pull(fleet, host, image) {
    for await (const { progress } of fleet.host(host!).images.pullImage({ image: image! })) say("progress", progress?.status);
    say("done");
  },
  async upload(fleet, host, id, path) {
    await fleet.host(host!).containers.putContainerArchive(process.stdin, { id: id!, path: path! });
    say("done");
  },
  async download(fleet, host, id, path) {
    let size = 0;
    for await (const piece of bytes(fleet.host(host!).containers.getContainerArchive({ id: id!, path: path! }))) size += piece.length;
    say("downloaded", size);
  },
  async error(fleet, host, id) {
    const { container } = await fleet.host(host!).containers.inspectContainer({ id: id! });
    say("container", container?.name.replace(/^\//, ""));
  },
  async deadline(fleet, host, id, seconds) {
    sayExit(await fleet.host(host!).containers.waitContainer({ id: id! }, { timeoutMs: Number(seconds) * 1000 }));
  },
  async cancel(fleet, host, id, ...cmd) {
    if (cmd.length) await firstOutput(fleet.host(host!).exec.exec({ id: id!, cmd }));
    else await logs(fleet, host!, id!, "1");
    say("cancelled");
    await hosts(fleet);
  },
  async find(fleet, name) {
    for await (const { answers, summary } of fleet.all.findContainers({ hosts: hostsOf(), containers: containers([name!]) })) {
      for (const answer of answers) for (const container of answer.containers) sayContainer(answer.host, container);
      for (const { host, failure } of summary?.failures ?? []) say("failure", host, word(ErrorReason, failure?.reason ?? 0));
    }
  },
  async follow(fleet, label, count) {
    const choice = { hosts: hostsOf(), containers: containers({ labels: [label!] }), request: { follow: true } };
    let left = Number(count) || Infinity;
    for await (const { records } of fleet.all.streamLogs(choice)) {
      for (const { host, containerName, record } of records) {
        for (const { stream, data } of record.case === "batch" ? record.value.entries : []) {
          say("line", host, containerName, output(stream), text(data));
          if (--left === 0) return;
        }
      }
    }
  },
  async restart(fleet, label) {
    const choice = { hosts: hostsOf(), containers: containers({ labels: [label!] }) };
    for await (const { results, summary } of fleet.all.restartContainers(choice)) {
      for (const { target, result } of results) {
        const what = result.case === "failure" ? word(ErrorReason, result.value.reason) : result.case === "response" ? "ok" : result.case;
        say("result", target?.host, target?.containerName, what);
      }
      if (summary) say("summary", summary.succeeded, summary.failed, summary.skipped);
    }
  },
};

async function firstOutput(session: Session): Promise<void> {
  for await (const { data } of session) return sayOutput("stdout", data);
}

function sayError(error: DockfleetError): void {
  console.error(error.message);
  const code = Code[error.code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
  say("error", code === "CANCELED" ? "CANCELLED" : code, error.reason || "-", error.host || "-", error.retrySafe);
  if (error.resource) say("resource", error.resource.kind, error.resource.name);
  for (const { field } of error.violations) say("violation", field);
  if (error.retryAfterMs !== undefined) say("retry-after", Math.floor(error.retryAfterMs / 1000));
}

/** The fleet of the environment; ends the program when that does not fit together. */
function connected(): Fleet {
  try {
    return connectFromEnvironment();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

const [command = "", ...words] = process.argv.slice(2);
const fleet = connected();
await fleet.connected(); // a deadline of half a second is for the call alone
try {
  await commands[command]!(fleet, ...words);
} catch (error) {
  if (!(error instanceof DockfleetError)) throw error;
  sayError(error);
  process.exitCode = 1;
}
fleet.close();
process.stdin.destroy();
