import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, ResourceInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";

/** A field of the request that is missing or wrong, and why. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** The object of a failure: its kind, such as `container`, and its name. */
export interface Resource {
  readonly kind: string;
  readonly name: string;
}

/** A call failed.  The message is for people; programs decide by `reason`. */
export class DockfleetError extends Error {
  override readonly name = "DockfleetError";
  /** The gRPC status code. */
  readonly code: Code;
  /**
   * A value of the contract's `ErrorReason` without its prefix, such as `UNKNOWN_HOST`.  Empty when the failure does not
   * come from a gateway, such as when there is no connection.
   */
  readonly reason: string = "";
  /** The host of the call; empty when none was chosen. */
  readonly host: string = "";
  /** The HTTP status of the engine's response. */
  readonly engineStatus?: number;
  /** The id of the call in the gateway's log. */
  readonly requestId: string = "";
  /** Whether the same call may be made again: it may help, and does no harm. */
  readonly retrySafe: boolean = false;
  /** How many milliseconds to wait before the call is made again. */
  readonly retryAfterMs?: number;
  /** What is wrong with the request, by field. */
  readonly violations: readonly Violation[] = [];
  /** The object that does not exist or is in the way. */
  readonly resource?: Resource;

  private constructor(error: ConnectError) {
    super(error.rawMessage, { cause: error });
    this.code = connectionBroke(error) ? Code.Unavailable : error.code;
    for (const info of error.findDetails(ErrorInfoSchema).filter((each) => each.domain === "dockfleet")) {
      this.reason = info.reason;
      this.host = info.metadata["host"] ?? "";
      this.requestId = info.metadata["request_id"] ?? "";
      this.retrySafe = info.metadata["retry_safe"] === "true";
      const status = Number(info.metadata["engine_status"]);
      if (status) this.engineStatus = status;
    }
    for (const { retryDelay } of error.findDetails(RetryInfoSchema)) {
      if (retryDelay) this.retryAfterMs = Number(retryDelay.seconds) * 1000 + retryDelay.nanos / 1e6;
    }
    this.violations = error.findDetails(BadRequestSchema).flatMap((each) => each.fieldViolations);
    for (const each of error.findDetails(ResourceInfoSchema)) {
      this.resource = { kind: each.resourceType, name: each.resourceName };
    }
  }

  /** The failure of a call, whatever Connect or Node threw. */
  static from(error: unknown): DockfleetError {
    return error instanceof DockfleetError ? error : new DockfleetError(ConnectError.from(error));
  }
}

/** Whether a connection broke or was not made.  Node and Connect report that with several codes. */
function connectionBroke({ code, cause, rawMessage }: ConnectError): boolean {
  if (code === Code.Canceled) return rawMessage.startsWith("http/2 stream closed"); // nobody in this program did it
  const name = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return (code === Code.Internal || code === Code.Aborted) && !!name && name !== "ERR_STREAM_WRITE_AFTER_END";
}
