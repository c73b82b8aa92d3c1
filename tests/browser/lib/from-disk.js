// For work on the page: its files as they are on the disk now, everything else from a running program, so that a change is
// seen by loading again instead of building again.
//
//   node lib/from-disk.js http://127.0.0.1:16686 [port]
//
// The tests do the same with PAGE_FROM_DISK=1. Policy and headers are those that the program sends.

import http from "node:http";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";

const PAGE = fileURLToPath(new URL("../../../jaeger-all-in-one/page", import.meta.url));
const TYPES = { ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };

/** Starts it before the program at `target`; gives the server, listening on loopback. */
export async function fromDisk(target, port = 0) {
  const { headers: policy } = await fetch(target);
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, target);
    const document = !/^\/(api|metrics|health|static)(\/|$)/.test(pathname);
    const file = document ? "index.html" : pathname.startsWith("/static/") ? pathname.slice("/static/".length) : null;
    if (file === null) return pass(target, request, response);
    try {
      const bytes = await readFile(path.join(PAGE, path.normalize(`/${file}`)));
      const type = document ? "text/html; charset=utf-8" : (TYPES[path.extname(file)] ?? "application/octet-stream");
      response.writeHead(200, { "content-type": type, "content-security-policy": policy.get("content-security-policy"), "cache-control": "no-store" });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

function pass(target, request, response) {
  // The program refuses what a page of another origin asks; to it, this is its own page.
  const { origin, ...headers } = request.headers;
  if (origin) headers.origin = target;
  headers.host = new URL(target).host;
  const onward = http.request(new URL(request.url, target), { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await fromDisk(process.argv[2] ?? "http://127.0.0.1:16686", Number(process.argv[3] ?? 0));
  console.log(`the page from the disk: http://127.0.0.1:${server.address().port}`);
}
