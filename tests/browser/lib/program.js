// The program under test: jaeger-all-in-one on free ports, and a way to send it traces.
//
// `JAEGER_ALL_IN_ONE` names the program (the script `run` sets it). With `PAGE_FROM_DISK=1` the page's files come from the
// disk instead of from within the program.

import { spawn } from "node:child_process";
import assert from "node:assert/strict";
import { fromDisk } from "./from-disk.js";
import { otlp } from "./traces.js";

/** Waits until `test` gives something true; fails after `seconds` with what it was waiting for. */
export async function until(what, test, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await test();
    if (value) return value;
    if (Date.now() > end) assert.fail(`still waiting after ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function program() {
  const program = process.env.JAEGER_ALL_IN_ONE;
  assert.ok(program, "JAEGER_ALL_IN_ONE must name the program; tests/browser/run sets it");
  // It takes ports that are free and says which: one looked for here could be another's by the time it is asked for.
  const child = spawn(program, ["--query-port", "0", "--otlp-http-port", "0", "--require-ports", ...OTHERS], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (data) => (said += data));
  child.stderr.on("data", (data) => (said += data));
  let ended = false;
  child.on("exit", () => (ended = true));
  const told = async (pattern) =>
    (await until(`${program} says ${pattern}`, () => {
      assert.ok(!ended, `the program ended:\n${said}`);
      return pattern.exec(said);
    }))[1];
  const url = await told(/^ *page +(http:\S+)$/m);
  const receiver = await told(/^ *OTLP +HTTP (\d+)$/m);
  await until(`${program} answers`, async () => {
    assert.ok(!ended, `the program ended:\n${said}`);
    return fetch(`${url}/api/services`).then((answer) => answer.ok, () => false);
  });
  return {
    url,
    traces: `http://127.0.0.1:${receiver}/v1/traces`,
    stop: () => new Promise((resolve) => (ended ? resolve() : (child.on("exit", resolve), child.kill("SIGTERM")))),
  };
}

// Receivers that the tests do not need, so that several programs run side by side.
const OTHERS = ["compact", "binary", "thrift-http", "otlp-grpc", "zipkin", "sampling"].flatMap((name) => [`--${name}-port`, "off"]);

export async function start() {
  const backend = await program();
  const disk = process.env.PAGE_FROM_DISK ? await fromDisk(backend.url) : null;
  return {
    url: disk ? `http://127.0.0.1:${disk.address().port}` : backend.url,
    /** Where it takes OTLP. */
    traces: backend.traces,
    async stop() {
      disk?.closeAllConnections();
      disk?.close();
      await backend.stop();
    },
    /** Sends spans (lib/traces.js) and waits until the backend has them. */
    async send(spans, { size = 20_000 } = {}) {
      for (let at = 0; at < spans.length; at += size) {
        const answer = await fetch(backend.traces, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(otlp(spans.slice(at, at + size))) });
        assert.equal(answer.status, 200, await answer.text());
      }
      const last = spans[spans.length - 1];
      const wanted = spans.filter((span) => span.trace === last.trace).length;
      await until(`trace ${last.trace} has ${wanted} spans`, async () => {
        const answer = await fetch(`${backend.url}/api/traces/${last.trace}`);
        return answer.ok && (await answer.json()).data[0].spans.length >= wanted;
      });
    },
  };
}
