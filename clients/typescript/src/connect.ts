import { readFileSync } from "node:fs";
import { connect as connectSocket, isIPv6 } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, createSecureContext, type SecureContextOptions } from "node:tls";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Calls } from "./calls.js";
import { DockfleetError } from "./errors.js";
import { Fleet } from "./fleet.js";

/** Where a gateway is, and what proves who is who. */
export interface ConnectOptions {
  /** Whether to use TLS and to trust the public authorities.  Each of the next three also turns TLS on. */
  tls?: boolean | undefined;
  /** The PEM file of the authorities to trust. */
  tlsCa?: string | undefined;
  /** The PEM file of this client's certificate; together with `tlsKey`. */
  tlsCert?: string | undefined;
  /** The PEM file of the private key. */
  tlsKey?: string | undefined;
  /** A token that is sent with every call, over TLS only. */
  token?: string | undefined;
}

const DEFAULT_PORT = "50051";
const DEFAULT_ADDRESS = `127.0.0.1:${DEFAULT_PORT}`;
const HOST_AND_PORT = /^([^\s:/@[\]]+|\[[^\s/@[\]]+\])(?::(\d+))?$/;
const SOCKET = "unix://"; // and a path from the root

const MAX_MESSAGE_BYTES = 64 << 20; // the gateway's own limit is usually lower

const PINGS = {
  pingIntervalMs: 30_000, // the gateway allows pings every 10 s
  pingTimeoutMs: 10_000,
  pingIdleConnection: true,
};

const CLOSED = /^http\/2 stream closed|ECONNRESET|EPIPE|socket hang up|alert/;
const CLOSED_UNANSWERED =
  "the gateway closed the connection before its first answer: " +
  "it may require TLS, or a client certificate that it trusts, or have stopped";

/**
 * Returns the fleet of the gateway at `address`: `HOST:PORT`, `HOST` for port 50051, or `unix:///PATH`.  Nothing is sent
 * before the first call.  Throws for a file that cannot be read, and `TypeError` for an address that is none, and for
 * options that do not fit together.
 */
export function connect(address: string = DEFAULT_ADDRESS, options: ConnectOptions = {}): Fleet {
  const { tls, tlsCa, tlsCert, tlsKey, token } = options;
  const place = authority(address);
  if (!tlsCert !== !tlsKey) throw new TypeError("tlsCert and tlsKey belong together");
  const secure = tls || !!tlsCa || !!tlsCert;
  if (token && !secure) throw new TypeError("a token is sent over TLS only: set tls or tlsCa");
  if (token && !/^[!-~]+$/.test(token)) {
    throw new TypeError("the token has characters that cannot be sent: blanks, line breaks, or others than ASCII");
  }

  const closed = new AbortController();
  const files = { ca: pem(tlsCa), cert: pem(tlsCert), key: pem(tlsKey) };
  if (tlsCert) checkKey(files, tlsCert, tlsKey);
  const nodeOptions = { ...(secure && files), ...(address.startsWith(SOCKET) && through(address, secure, files)) };
  const baseUrl = `${secure ? "https" : "http"}://${place}`;
  const interceptors = [closing(closed.signal), explaining(), ...(token ? [authorizing(token)] : [])];
  const [first, second] = [0, 1].map(() => new Http2SessionManager(baseUrl, PINGS, nodeOptions));
  const dial = (sessionManager: Http2SessionManager) =>
    createGrpcTransport({ baseUrl, interceptors, sessionManager, readMaxBytes: MAX_MESSAGE_BYTES });
  const connected = async () => (await first!.connect()) !== "error";
  return new Fleet(new Calls(dial(first!), dial(second!), closed), connected);
}

/** The fleet of the gateway that the environment names: `DOCKFLEET_ADDRESS`, `_TLS_CA`, `_TLS_CERT`, `_TLS_KEY`, `_TOKEN`. */
export function connectFromEnvironment(environment: NodeJS.ProcessEnv = process.env): Fleet {
  const of = (name: string) => environment[`DOCKFLEET_${name}`] || undefined;
  const files = { tlsCa: of("TLS_CA"), tlsCert: of("TLS_CERT"), tlsKey: of("TLS_KEY") };
  return connect(of("ADDRESS"), { ...files, token: of("TOKEN") });
}

/** The address as in a URL, with the default port when it has none. */
function authority(address: string): string {
  if (!address.trim()) throw new TypeError("the address of the gateway is empty: HOST:PORT is wanted");
  if (address.startsWith(`${SOCKET}/`)) return "localhost";
  const scheme = address.split("://", 1)[0]!;
  if (scheme !== address) {
    throw new TypeError(`the address of the gateway is HOST:PORT, without ${scheme}://: "${address}"`);
  }
  if (isIPv6(address)) return `[${address}]:${DEFAULT_PORT}`;
  const [, host, port = DEFAULT_PORT] = HOST_AND_PORT.exec(address) ?? [];
  if (!host || Number(port) < 1 || Number(port) > 65535) {
    throw new TypeError(`the address of the gateway is HOST:PORT: "${address}"`);
  }
  return `${host}:${port}`;
}

/** The text of a PEM file.  Node passes over what is none. */
function pem(path: string | undefined): string | undefined {
  if (!path) return undefined;
  const text = readFileSync(path, "utf8");
  if (!text.includes("-----BEGIN ")) throw new TypeError(`${path} is no PEM file`);
  return text;
}

function checkKey(files: SecureContextOptions, cert: string, key: string | undefined): void {
  try {
    createSecureContext(files);
  } catch (error) {
    throw new TypeError(`${cert} and ${key} are no certificate and its key: ${(error as Error).message}`, { cause: error });
  }
}

/** How Node connects to a unix socket. */
function through(address: string, secure: boolean, files: SecureContextOptions): { createConnection: () => Duplex } {
  const path = address.slice(SOCKET.length);
  const secured = { ...files, path, servername: "localhost", ALPNProtocols: ["h2"] };
  return { createConnection: () => (secure ? connectTls(secured) : connectSocket(path)) };
}

function closing(closed: AbortSignal): Interceptor {
  return (next) => (request) => next({ ...request, signal: AbortSignal.any([request.signal, closed]) } as typeof request);
}

/** Says what may be wrong when the gateway closes connections before it has answered a call. */
function explaining(): Interceptor {
  let answered = false;
  return (next) => async (request) => {
    try {
      const response = await next(request);
      answered = true;
      return response;
    } catch (error) {
      const failure = DockfleetError.from(error);
      answered ||= failure.reason !== "";
      if (answered || failure.code !== Code.Unavailable || !CLOSED.test(failure.message)) throw error;
      throw new ConnectError(`${CLOSED_UNANSWERED} (${failure.message})`, Code.Unavailable, undefined, undefined, error);
    }
  };
}

function authorizing(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}
