// Sends three spans with the Node Jaeger client to HOST PORT and prints their ids as JSON on stdout.
//
// The same scenario as client.go and client.py; tests/tests/interop_clients.rs asserts every value.
// Times are given (in milliseconds), not measured, so that they can be asserted.
'use strict';

// The packages are installed under target/, away from this file.
const { createRequire } = require('node:module');
const path = require('node:path');
const load = createRequire(path.join(process.env.CLIENT_MODULES || __dirname, 'package.json'));
const { initTracer } = load('jaeger-client');
const { Reference, REFERENCE_CHILD_OF, REFERENCE_FOLLOWS_FROM } = load('opentracing');

const [host, port] = [process.argv[2], Number(process.argv[3])];
const START = 1600000000000;

const tracer = initTracer(
  {
    serviceName: 'interop-node',
    sampler: { type: 'const', param: 1 },
    reporter: { agentHost: host, agentPort: port },
  },
  { traceId128bit: true, tags: { 'proc.tag': 'pv', 'proc.number': 7 } }
);

const root = tracer.startSpan('root-op', { startTime: START });
const child = tracer.startSpan('child-op', { childOf: root, startTime: START + 250 });
child.setTag('str', 'héllo');
child.setTag('empty', '');
child.setTag('int', 42);
child.setTag('neg', -1);
child.setTag('float', 1.5);
child.setTag('yes', true);
child.setTag('no', false);
child.setTag('bytes', Buffer.from([0, 1, 0xfe, 0xff]));
child.setTag('span.kind', 'server');
child.log({ event: 'hit', n: 7, ratio: 0.5, ok: true }, START + 500);
child.setBaggageItem('tenant', 'acme');
child.finish(START + 750);
const follower = tracer.startSpan('follow-op', {
  references: [
    new Reference(REFERENCE_FOLLOWS_FROM, child.context()),
    new Reference(REFERENCE_CHILD_OF, root.context()),
  ],
  startTime: START + 1000,
});
follower.finish(START + 1250);
root.finish(START + 2000);

const ids = {};
for (const span of [root, child, follower]) {
  const context = span.context();
  ids[span.operationName] = {
    trace: context.traceIdStr.padStart(32, '0'),
    span: context.spanIdStr.padStart(16, '0'),
    baggage: Object.assign({}, context.baggage),
  };
}
console.log(JSON.stringify(ids));

tracer.close(() => process.exit(0));
setTimeout(() => {
  console.error('the tracer did not close within 30 s');
  process.exit(1);
}, 30000);
