// A tour of the client: node tour.js HOST CONTAINER IMAGE

import { Code, connectFromEnvironment, DockfleetError, type Fleet, type Host } from "@dockfleet/client";
import { HostState } from "@dockfleet/client/fleet/v1/hosts";

const [hostName, container, image] = process.argv.slice(2) as [string, string, string];
const fleet = connectFromEnvironment();
const host = fleet.host(hostName);
const text = (data: Uint8Array) => new TextDecoder().decode(data).trimEnd();

try {
  await list(fleet, host);
  await logs(host);
  await exec(host);
  await run(host);
  await pull(host);
  await fail(host);
  await cancel(host);
} catch (thrown) {
  const error = DockfleetError.from(thrown);
  console.error(`${codeName(error)} ${error.reason}: ${error.message}`);
  process.exitCode = 1;
} finally {
  fleet.close();
}

/** The hosts of the fleet, and the containers of one. */
async function list(fleet: Fleet, host: Host): Promise<void> {
  for (const { name, state } of (await fleet.hosts.listHosts()).hosts) {
    console.log("host", name, HostState[state] ?? state); // a newer gateway may have a state that this does not know
  }
  for (const { names, state } of (await host.containers.listContainers({ all: true })).containers) {
    console.log("container", names[0]?.slice(1), state);
  }
}

/** Two lines of the log.  It continues when the gateway restarts, or the connection breaks. */
async function logs(host: Host): Promise<void> {
  let left = 2;
  for await (const entry of host.logs(container, { follow: true, tail: 2 })) {
    console.log("line", text(entry.data));
    if (--left === 0) break; // leaving the loop cancels the call
  }
}

/** A command with input, output and an exit code. */
async function exec(host: Host): Promise<void> {
  const { stdout, exitCode } = await host.execute(container, ["wc", "-c"], { stdin: "hello\n" });
  console.log("exec", text(stdout).trim(), exitCode);
}

/** A new container: its output, and its exit code. */
async function run(host: Host): Promise<void> {
  const config = { image, cmd: ["sh", "-c", "echo hello; exit 3"], hostConfig: { autoRemove: true } };
  let output = "";
  for await (const { record } of host.containers.runContainer({ config })) {
    if (record.case === "output") output += text(record.value.data);
    if (record.case === "end") console.log("run", output, String(record.value.exitCode));
  }
}

/** A pull, with its progress. */
async function pull(host: Host): Promise<void> {
  try {
    for await (const { progress } of host.images.pullImage({ image })) void progress?.status;
    console.log("pull done");
  } catch (error) {
    console.log("pull", DockfleetError.from(error).reason);
  }
}

/** Failures: an object that is not there, and a deadline. */
async function fail(host: Host): Promise<void> {
  await host.containers.inspectContainer({ id: "no-such-container" }).catch((error: DockfleetError) => {
    console.log("error", codeName(error), error.reason);
  });
  await host.containers.waitContainer({ id: container }, { timeoutMs: 500 }).catch((error: DockfleetError) => {
    console.log("deadline", codeName(error));
  });
}

/** Leaving a session: closing it cancels the call, and kills the command. */
async function cancel(host: Host): Promise<void> {
  for await (const _ of host.exec.exec({ id: container, cmd: ["sh", "-c", "echo started; sleep 1000"] })) break;
  console.log("cancelled");
}

/** The name of a code as the contract writes it, such as NOT_FOUND. */
function codeName({ code }: DockfleetError): string {
  return Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
