// When and how a broken stream is called again.  The rule is that of the contract: see the beginning of
// protos/dockfleet/v1/common.proto.

import { clone, type DescMessage, type DescMethodServerStreaming, type Message, type MessageShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { CallOptions } from "./calls.js";
import { DockfleetError } from "./errors.js";

/** How a stream that can be resumed is called. */
export interface ResumeOptions extends CallOptions {
  /** For how long a broken stream is called again; 0: never.  Default: 60,000. */
  retryMs?: number;
}

const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 1000;
const BROKEN = [Code.Unavailable, Code.Unknown, Code.Canceled, Code.Internal]; // what libraries report for a broken connection

/** The fields of requests and responses that resuming is about; those that a stream does not have stay unset. */
type Resumable = {
  id?: string;
  since?: unknown;
  tail?: unknown;
  request?: Resumable;
  resumeToken?: Uint8Array;
  containerId?: string;
  heartbeat?: unknown;
  record?: { case?: string | undefined };
};

/** Whether a stream that failed with `error` can be called again, when this program did not end it itself. */
export function mayResume({ code, reason, retrySafe }: DockfleetError): boolean {
  if (!reason) return BROKEN.includes(code); // the failure does not come from the gateway
  return code === Code.Unavailable || retrySafe || reason === "SLOW_READER";
}

/** Yields the responses of a stream across all its calls, without heartbeats and records of newer gateways. */
export async function* resume<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  first: MessageShape<I>,
  { retryMs = 60_000, timeoutMs }: ResumeOptions,
  signal: AbortSignal,
  call: (request: MessageShape<I>, timeoutMs: number | undefined) => AsyncGenerator<MessageShape<O>>,
): AsyncGenerator<MessageShape<O>> {
  const hasTokens = method.output.fields.some((field) => field.name === "resume_token");
  const deadline = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
  let request = first;
  let any = false;
  let ended = false;
  let failedAt: number | undefined;
  let pause = SHORTEST_PAUSE;
  for (;;) {
    try {
      for await (const response of call(request, deadline === Infinity ? undefined : Math.max(deadline - Date.now(), 1))) {
        any = true;
        failedAt = undefined;
        pause = SHORTEST_PAUSE;
        ended ||= hasRecord(response, "end");
        if (!isSilent(response)) yield response;
        request = continued(method.input, request, response);
      }
      return;
    } catch (thrown) {
      if (ended) return; // what breaks after the last response does not matter
      const error = DockfleetError.from(thrown);
      const mine = signal.aborted || Date.now() >= deadline;
      const known = hasTokens ? !!(request as Resumable).resumeToken?.length : any; // where to continue
      failedAt ??= Date.now();
      const wait = Math.max(pause * (0.8 + 0.4 * Math.random()), error.retryAfterMs ?? 0);
      if (mine || !known || !mayResume(error) || Date.now() + wait > failedAt + retryMs) throw error;
      pause = Math.min(pause * 2, LONGEST_PAUSE);
      await sleep(wait, signal);
      if (signal.aborted) throw error;
    }
  }
}

/** The request of the next call: the token in place of `since` and `tail`, and of a log the id in place of a name. */
function continued<I extends DescMessage>(schema: I, request: MessageShape<I>, response: Message): MessageShape<I> {
  const { resumeToken, containerId } = response as Resumable;
  if (!resumeToken?.length) return request;
  const next = clone(schema, request) as MessageShape<I> & Resumable;
  next.resumeToken = resumeToken;
  if (containerId) next.id = containerId;
  for (const start of [next, next.request]) {
    delete start?.since;
    delete start?.tail;
  }
  return next;
}

function isSilent(response: Message): boolean {
  const { record, heartbeat } = response as Resumable;
  return record ? !record.case || record.case === "heartbeat" : heartbeat !== undefined;
}

function hasRecord(response: Message, kind: string): boolean {
  return (response as Resumable).record?.case === kind;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
