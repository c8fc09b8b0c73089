// Prints "HOST NAME STATE" for the containers of the hosts given as arguments, or of all hosts.

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { HostService } from "./gen/dockfleet/fleet/v1/hosts_pb.js";
import { type ContainerSummary, ContainerService } from "./gen/dockfleet/v1/containers_pb.js";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";

const address = process.env.DOCKFLEET_ADDRESS ?? "127.0.0.1:50051";
const transport = createGrpcTransport({ baseUrl: `http://${address}` });

try {
  await list(process.argv.slice(2));
} catch (error) {
  const { code, rawMessage } = ConnectError.from(error);
  console.error(`${Code[code]}${reason(error)}: ${rawMessage}`);
  process.exitCode = 1;
}

async function list(hosts: string[]): Promise<void> {
  if (hosts.length === 0) {
    const response = await createClient(HostService, transport).listHosts({});
    hosts = response.hosts.map((host) => host.name);
  }
  const containers = createClient(ContainerService, transport);
  for (const host of hosts) {
    const response = await containers.listContainers({ host, all: true });
    for (const container of response.containers) {
      console.log(host, name(container), container.state);
    }
  }
}

/** The first name without its slash, or the id of a container that has no name any more. */
function name(container: ContainerSummary): string {
  return container.names[0]?.slice(1) ?? container.id;
}

/** The reason that dockfleet gives, after a space; empty when the error does not come from the gateway. */
function reason(error: unknown): string {
  const details = ConnectError.from(error).findDetails(ErrorInfoSchema);
  const info = details.find((detail) => detail.domain === "dockfleet");
  return info ? ` ${info.reason}` : "";
}
