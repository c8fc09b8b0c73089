import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodClientStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { DockfleetError } from "./errors.js";
import { resume, type ResumeOptions } from "./resuming.js";
import { Session, type SessionMethod } from "./session.js";
import { Responses } from "./responses.js";

/** The fields of a request, all of them optional. */
export type Request<Schema extends DescMessage> = Omit<Exclude<MessageInitShape<Schema>, MessageShape<Schema>>, "$typeName">;

/** The fields of a request to one host: `host` is filled in. */
export type Fields<Schema extends DescMessage> = Omit<Request<Schema>, "host">;

/** How a call is made. */
export interface CallOptions {
  /** The deadline, in milliseconds from now.  Without it, the gateway's own limits hold. */
  timeoutMs?: number;
  /** Cancels the call. */
  signal?: AbortSignal;
}

/** The bytes of an upload: at once, or in pieces, such as a `Readable` of Node or a web stream. */
export type Source = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const CHUNK = 256 << 10; // the gateway refuses messages of more than 4 MiB

type Oneof = { case: string; value: unknown };

/** Makes the calls of every shape.  Single calls have a connection of their own: a connection has room for so many. */
export class Calls {
  constructor(
    private readonly single: Transport,
    private readonly long: Transport,
    private readonly closed: AbortController,
  ) {}

  /** Ends all connections and their calls. */
  end(): void {
    this.closed.abort(new ConnectError("the fleet is closed", Code.Canceled));
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: object,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    try {
      const { signal, timeoutMs } = options;
      const sent = request as MessageInitShape<I>;
      return (await this.single.unary(method, signal, timeoutMs, undefined, sent)).message;
    } catch (error) {
      throw DockfleetError.from(error);
    }
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: object,
    options: CallOptions = {},
  ): Responses<MessageShape<O>> {
    return new Responses((signal, started) => this.open(method, [request], options.timeoutMs, signal, started), options);
  }

  /** A stream that is called again at the token of its last response when it breaks: see `resuming.ts`. */
  resuming<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: object,
    options: ResumeOptions = {},
  ): Responses<MessageShape<O>> {
    const first = create(method.input, request as MessageInitShape<I>);
    return new Responses(
      (signal, started) =>
        resume(method, first, options, AbortSignal.any([signal, this.closed.signal]), (again, timeoutMs) =>
          this.open(method, [again], timeoutMs, signal, started),
        ),
      options,
    );
  }

  async upload<I extends DescMessage, O extends DescMessage>(
    method: DescMethodClientStreaming<I, O>,
    source: Source,
    start: object,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const responses = this.uploadStream(method, source, start, options);
    for await (const response of responses) return response;
    throw DockfleetError.from(new Error("the call ended without a response"));
  }

  /** An upload with many responses.  When the source fails, the call is cancelled, and its error is thrown. */
  uploadStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O> | DescMethodClientStreaming<I, O>,
    source: Source,
    start: object,
    options: CallOptions = {},
  ): Responses<MessageShape<O>> {
    return new Responses((signal, started, fail) => {
      const requests = uploaded(source, start, fail);
      return this.open(method, requests, options.timeoutMs, signal, started);
    }, options);
  }

  session<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    start: object,
    options: CallOptions = {},
  ): Session {
    return new Session((requests) => {
      const open = (signal: AbortSignal, started: () => void) =>
        this.open(method as SessionMethod, requests, options.timeoutMs, signal, started);
      return new Responses(open, options);
    }, start);
  }

  private async *open<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O> | DescMethodClientStreaming<I, O> | DescMethodBiDiStreaming<I, O>,
    requests: Iterable<object> | AsyncIterable<object>,
    timeoutMs: number | undefined,
    signal: AbortSignal,
    started: () => void,
  ): AsyncGenerator<MessageShape<O>> {
    try {
      const sent = each(requests) as AsyncIterable<MessageInitShape<I>>;
      const response = await this.long.stream(method, signal, timeoutMs, undefined, sent);
      started();
      yield* response.message;
    } catch (error) {
      throw DockfleetError.from(error);
    }
  }
}

/** The bytes in responses, such as those of `exportContainer`: `Readable.from(bytes(responses))`. */
export async function* bytes(
  responses: AsyncIterable<{ data?: Uint8Array; record?: { case?: string | undefined; value?: unknown } }>,
): AsyncGenerator<Uint8Array> {
  for await (const { data, record } of responses) {
    const piece = data ?? (record?.case === "data" ? (record.value as Uint8Array) : undefined);
    if (piece?.length) yield piece;
  }
}

/** `source` in pieces that the gateway takes, none of them empty. */
export async function* chunks(source: Source): AsyncGenerator<Uint8Array> {
  for await (const piece of source instanceof Uint8Array ? [source] : source) {
    for (let start = 0; start < piece.length; start += CHUNK) yield piece.subarray(start, start + CHUNK);
  }
}

async function* uploaded(source: Source, start: object, fail: (error: unknown) => void): AsyncGenerator<{ frame: Oneof }> {
  yield { frame: { case: "start", value: start } };
  try {
    for await (const data of chunks(source)) yield { frame: { case: "data", value: data } };
  } catch (error) {
    fail(error); // an incomplete upload must not look like a complete one
    throw error;
  }
}

async function* each<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
