// The client against gateways of Connect in this process: what is not the business of the conformance suite.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect, containers, type Fleet, requirement } from "@dockfleet/client";
import { LabelOperator } from "@dockfleet/client/fleet/v1/selectors";
import { ContainerService } from "@dockfleet/client/v1/containers";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";

async function withGateway(routes: (router: ConnectRouter) => void, use: (fleet: Fleet) => Promise<void>): Promise<void> {
  const server = createServer(connectNodeAdapter({ routes })).listen(0, "127.0.0.1");
  await once(server, "listening");
  const fleet = connect(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.on("session", (session) => server.once("done", () => session.destroy()));
  try {
    await use(fleet);
  } finally {
    fleet.close();
    server.emit("done");
    server.close();
  }
}

test("a source that fails cancels the upload, and its error is thrown", async () => {
  let complete = false;
  const routes = (router: ConnectRouter) =>
    router.rpc(ContainerService.method.putContainerArchive, async (requests) => {
      for await (const _ of requests);
      complete = true;
      return {};
    });
  await withGateway(routes, async (fleet) => {
    async function* source() {
      yield new Uint8Array(3);
      throw new RangeError("no more");
    }
    await assert.rejects(fleet.host("a").containers.putContainerArchive(source(), { id: "web", path: "/" }), RangeError);
  });
  assert.equal(complete, false);
});

test("a signal cancels a call, and the loop throws", async () => {
  let cancelled = () => {};
  const gone = new Promise<void>((resolve) => (cancelled = resolve));
  const routes = (router: ConnectRouter) =>
    router.rpc(ContainerService.method.streamLogs, async function* (_, { signal }) {
      signal.addEventListener("abort", () => cancelled());
      yield { resumeToken: new Uint8Array(1), record: { case: "batch", value: { entries: [{}] } } };
      await gone;
    });
  await withGateway(routes, async (fleet) => {
    const controller = new AbortController();
    const log = fleet.host("a").logs("web", {}, { signal: controller.signal });
    await log.next();
    const next = log.next();
    controller.abort();
    await assert.rejects(next, { name: "DockfleetError", code: Code.Canceled });
    await gone;
  });
});

test("a failure without details has only the code and the message", async () => {
  const routes = (router: ConnectRouter) =>
    router.rpc(ContainerService.method.inspectContainer, () => {
      throw new ConnectError("no", Code.PermissionDenied);
    });
  await withGateway(routes, async (fleet) => {
    const call = fleet.host("a").containers.inspectContainer({ id: "web" });
    await assert.rejects(call, { code: Code.PermissionDenied, message: "no", reason: "", retrySafe: false });
  });
});

test("options that do not fit together are refused", () => {
  assert.throws(() => connect(""), /is empty/);
  assert.throws(() => connect("127.0.0.1:1", { tlsCert: "cert.pem" }), /belong together/);
  assert.throws(() => connect("127.0.0.1:1", { token: "secret" }), /over TLS only/);
  assert.throws(() => connect("http://127.0.0.1:1"), /HOST:PORT/);
});

test("the text of a label says what it must be", () => {
  const cases: [string, string, LabelOperator, string[]][] = [
    ["app=shop", "app", LabelOperator.EQUAL, ["shop"]],
    ["app != shop", "app", LabelOperator.NOT_EQUAL, ["shop"]],
    ["site in (north, south)", "site", LabelOperator.IN, ["north", "south"]],
    ["site notin (north)", "site", LabelOperator.NOT_IN, ["north"]],
    ["app", "app", LabelOperator.EXISTS, []],
    ["!app", "app", LabelOperator.NOT_EXISTS, []],
  ];
  for (const [text, key, operator, values] of cases) {
    const { $typeName: _, ...found } = requirement(text);
    assert.deepEqual(found, { key, operator, values });
  }
  assert.throws(() => requirement("=shop"), RangeError);
  assert.equal(containers().all, true);
});

test("a log whose fleet is closed fails at once", async () => {
  const routes = (router: ConnectRouter) =>
    router.rpc(ContainerService.method.streamLogs, async function* (_, { signal }) {
      yield { resumeToken: new Uint8Array(1), record: { case: "batch", value: { entries: [{}] } } };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
  await withGateway(routes, async (fleet) => {
    const host = fleet.host("a");
    const log = host.logs("web", {}, { retryMs: 3_600_000 });
    await log.next();
    const next = log.next();
    fleet.close();
    await assert.rejects(next, { name: "DockfleetError", message: /the fleet is closed/ });
    await assert.rejects(host.containers.inspectContainer({ id: "web" }), { message: /the fleet is closed/ });
  });
});
