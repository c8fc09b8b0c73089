import type { CallOptions } from "./calls.js";

/** Makes a call: `started` reports that the gateway has accepted it, `fail` ends it with an error of this program. */
type Call<T> = (signal: AbortSignal, started: () => void, fail: (error: unknown) => void) => AsyncGenerator<T>;

/**
 * The responses of a call, which begins at once.  Leaving the loop ends the call, and so does `close`; the loop then
 * ends.  The loop throws `DockfleetError` when the call fails, also after responses, and when `signal` cancels it.
 */
export class Responses<T> implements AsyncIterableIterator<T> {
  /** Settles when the gateway has accepted or refused the call: `streamEvents` misses no event after this. */
  readonly started: Promise<void>;
  readonly #generator: AsyncGenerator<T>;
  readonly #controller = new AbortController();
  #first: Promise<IteratorResult<T>> | undefined;
  #failure: { error: unknown } | undefined;
  #closed = false;

  constructor(call: Call<T>, { signal }: CallOptions = {}) {
    let started = () => {};
    const accepted = new Promise<void>((resolve) => (started = resolve));
    const fail = (error: unknown) => {
      this.#failure ??= { error };
      this.#controller.abort(error);
    };
    const both = signal ? AbortSignal.any([signal, this.#controller.signal]) : this.#controller.signal;
    this.#generator = call(both, started, fail);
    this.#first = this.#generator.next();
    this.started = Promise.race([accepted, this.#first.then(() => {})]);
    this.started.catch(() => {}); // whoever reads the responses gets the error
    this.#first.catch(() => {});
  }

  async next(): Promise<IteratorResult<T>> {
    const first = this.#first;
    this.#first = undefined;
    try {
      return await (first ?? this.#generator.next());
    } catch (error) {
      if (this.#closed) return { done: true, value: undefined };
      throw this.#failure ? this.#failure.error : error;
    }
  }

  /** Ends the call.  May be repeated, also after the end. */
  close(): void {
    this.#closed = true;
    this.#controller.abort();
  }

  async return(): Promise<IteratorResult<T>> {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
