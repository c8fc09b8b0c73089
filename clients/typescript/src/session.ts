import type { DescMessage, DescMethodBiDiStreaming, Message } from "@bufbuild/protobuf";
import { chunks, type Source } from "./calls.js";
import type { OutputChunk, SessionEnd, SessionStarted } from "./gen/dockfleet/v1/common_pb.js";
import { StandardStream } from "./gen/dockfleet/v1/common_pb.js";
import type { Responses } from "./responses.js";

const WAITING_WRITES = 8; // frames of input that wait to be sent before `write` waits

/** @internal */
export type SessionMethod = DescMethodBiDiStreaming<DescMessage, DescMessage>;

type Frame = { frame: { case: string; value: unknown } };

/** The result of a command. */
export interface ExecResult {
  /** Its exit code; undefined when it is not known. */
  exitCode: number | undefined;
  /** Why there is no exit code. */
  unknownReason: string;
  stdout: Uint8Array;
  stderr: Uint8Array;
}

/**
 * A session with a process.  The loop yields its output until the end; then `exitCode` is set.  Write and read at the
 * same time: a process that waits until its output is read does not read its input.
 *
 * Leaving the loop, or `close`, ends the session.  That kills the process of `exec`, unless it has
 * `onDisconnect: OnDisconnect.KEEP`.
 */
export class Session implements AsyncIterable<OutputChunk> {
  /** How many bytes of output are missing so far, because this program did not read in time. */
  droppedBytes = 0n;
  readonly #requests = new RequestQueue();
  readonly #responses: Responses<Message>;
  #started: SessionStarted | undefined;
  #end: SessionEnd | undefined;

  /** @internal */
  constructor(open: (requests: AsyncIterable<object>) => Responses<Message>, start: object) {
    this.#requests.put("start", start);
    this.#responses = open(this.#requests);
  }

  /** The id of the exec, for `resizeExec` and `inspectExec`; empty before the first output, and for attach. */
  get execId(): string {
    return this.#started?.execId ?? "";
  }

  /** Whether the process has a terminal. */
  get tty(): boolean {
    return this.#started?.tty ?? false;
  }

  /** Whether the last response has come. */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** The exit code of the process; undefined before the end, and when it is not known. */
  get exitCode(): number | undefined {
    return this.#end?.exitCode === undefined ? undefined : Number(this.#end.exitCode);
  }

  /** Why there is no exit code after the end. */
  get unknownReason(): string {
    return this.#end?.unknownReason ?? "";
  }

  /** Whether the process still runs after the end of the session. */
  get running(): boolean {
    return this.#end?.running ?? false;
  }

  /** Sends `data` to standard input; waits while much of the earlier input is not sent yet.  Throws after the end. */
  async write(data: Source | string): Promise<void> {
    if (!(await this.#send(data))) throw new Error("the session has ended");
  }

  /**
   * Sends all of `source` to standard input, then the end of it; nothing can be sent after that.  What is left at the end
   * of the session is not sent.
   */
  async feed(source: Source | string): Promise<void> {
    if (await this.#send(source)) this.#requests.finish();
  }

  /** Ends standard input.  Output continues.  May be repeated. */
  closeStdin(): void {
    this.#requests.put("closeStdin", {});
  }

  /** Sets the size of the terminal, in characters. */
  resize(height: number, width: number): void {
    this.#requests.put("resize", { height, width });
  }

  /** Ends the session. */
  close(): void {
    this.#requests.end();
    this.#responses.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk> {
    try {
      for await (const response of this.#responses) {
        const output = this.#received(response);
        if (output) yield output;
      }
    } finally {
      this.close();
    }
  }

  /** Reads all output to the end of the session and returns it with the exit code. */
  async result(): Promise<ExecResult> {
    const stdout: Uint8Array[] = [];
    const stderr: Uint8Array[] = [];
    for await (const { stream, data } of this) (stream === StandardStream.STDERR ? stderr : stdout).push(data);
    const unknownReason = this.ended ? this.unknownReason : "the session ended without its last response";
    return { exitCode: this.exitCode, unknownReason, stdout: joined(stdout), stderr: joined(stderr) };
  }

  async #send(data: Source | string): Promise<boolean> {
    for await (const piece of chunks(typeof data === "string" ? new TextEncoder().encode(data) : data)) {
      if (!(await this.#requests.room())) return false;
      this.#requests.put("stdin", piece);
    }
    return true;
  }

  #received(response: Message): OutputChunk | undefined {
    const { record } = response as unknown as { record: { case?: string; value?: unknown } };
    switch (record.case) {
      case "output":
        return record.value as OutputChunk;
      case "dropped":
        this.droppedBytes += (record.value as { bytes: bigint }).bytes;
        break;
      case "started":
        this.#started = record.value as SessionStarted;
        break;
      case "end":
        this.#end = record.value as SessionEnd;
        break;
    }
    return undefined;
  }
}

/** The requests that wait to be sent. */
class RequestQueue implements AsyncIterable<Frame> {
  readonly #frames: Frame[] = [];
  #changed = () => {};
  #finished = false;
  #ended = false;
  #waiting: (() => void)[] = [];

  put(kind: string, value: unknown): void {
    this.#frames.push({ frame: { case: kind, value } });
    this.#changed();
  }

  /** Waits until there is room for more input; false after the end of the session. */
  async room(): Promise<boolean> {
    while (this.#frames.length >= WAITING_WRITES && !this.#ended) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return !this.#ended;
  }

  /** Ends the requests after those that wait. */
  finish(): void {
    this.#finished = true;
    this.#changed();
  }

  /** Ends the requests at once. */
  end(): void {
    this.#ended = true;
    this.#changed();
    this.#release();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    while (!this.#ended) {
      const frame = this.#frames.shift();
      this.#release();
      if (frame) yield frame;
      else if (this.#finished) return;
      else await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function joined(pieces: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}
