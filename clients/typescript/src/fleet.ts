import type { Calls, CallOptions, Fields, Source } from "./calls.js";
import type { LogEntry, StreamLogsRequestSchema } from "./gen/dockfleet/v1/containers_pb.js";
import type { ExecStartSchema } from "./gen/dockfleet/v1/exec_pb.js";
import type { ResumeOptions } from "./resuming.js";
import { FleetService, HostService, HostServices } from "./services.js";
import type { ExecResult } from "./session.js";

/** All hosts of a gateway. */
export class Fleet {
  /** The hosts themselves: list, add, drain. */
  readonly hosts: HostService;
  /** Many hosts in one call: questions, merged streams and batches. */
  readonly all: FleetService;
  /** Connects now; false when the gateway cannot be reached.  Without this, the first call connects. */
  readonly connected: () => Promise<boolean>;
  readonly #calls: Calls;

  /** @internal */
  constructor(calls: Calls, connected: () => Promise<boolean>) {
    this.#calls = calls;
    this.connected = connected;
    this.hosts = new HostService(calls);
    this.all = new FleetService(calls);
  }

  /** The host called `name`.  Nothing is sent; an unknown host fails the first call. */
  host(name: string): Host {
    return new Host(this.#calls, name);
  }

  /** Ends all connections and their calls. */
  close(): void {
    this.#calls.end();
  }
}

/** One host: the services of the contract, and shortcuts. */
export class Host extends HostServices {
  /**
   * The log of a container, entry by entry, across broken connections.  What the engine has lost is an error with the
   * reason `GAP`; with `strict: false` it is skipped.  `containers.streamLogs` also reports gaps, restarts and the end.
   */
  async *logs(id: string, fields: Fields<typeof StreamLogsRequestSchema> = {}, options?: ResumeOptions): AsyncGenerator<LogEntry> {
    for await (const { record } of this.containers.streamLogs({ strict: true, ...fields, id }, options)) {
      if (record.case === "batch") yield* record.value.entries;
    }
  }

  /**
   * Runs a command in a container and returns its result; `stdin` is its input.  All output is kept in memory:
   * `exec.exec` streams it.  A command that fails throws nothing: see `exitCode`.
   */
  async execute(
    id: string,
    cmd: string[],
    { stdin, ...fields }: Fields<typeof ExecStartSchema> & { stdin?: Source | string } = {},
    options?: CallOptions,
  ): Promise<ExecResult> {
    const attach = stdin === undefined ? {} : { attachStdin: true };
    const session = this.exec.exec({ ...fields, id, cmd, ...attach }, options);
    let failure: { error: unknown } | undefined;
    if (stdin !== undefined) {
      session.feed(stdin).catch((error: unknown) => {
        failure = { error };
        session.close();
      });
    }
    const result = await session.result();
    if (failure) throw failure.error;
    return result;
  }
}
