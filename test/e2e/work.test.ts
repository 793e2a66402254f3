import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { TaskRequest } from '../../src/index.js';
import { errorLine, startSwarm } from '../support/cli.js';
import { startCollector } from '../support/otlp-collector.js';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

t.test('work of all sorts in one swarm', async (t) => {
  const { spans, env } = await startCollector(t);
  const swarm = await startSwarm(t, [], { env });
  await writeFile(
    join(swarm.cwd, 'handlers.mjs'),
    `export const functions = {
       add: ({ a, b }, { progress }) => { progress(0.5); return a + b; },
       fail: () => { throw new Error('no luck today'); },
       burn: (input, context) => { for (;;) context.throwIfAborted(); },
       cancelled: (input, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
     };
     export const kinds = {
       'word-count': (input) => input.text.split(/\\s+/).length,
       trace: (input, { traceparent }) => traceparent,
     };`,
  );
  const agent = await swarm.agent('agent-1', [
    '--type',
    'pattern',
    '--handlers',
    'handlers.mjs',
    '--concurrency',
    '16',
  ]);
  const client = await swarm.client();

  await t.test('a task goes through coordinator and agent and back', async (t) => {
    const echo = await swarm.run(
      ['submit', 'compute', '--input', '-', '--wait', '--json'],
      '{"function": "echo", "input": {"a": [1, 2.5, null], "b": "ü"}}',
    );
    t.equal(echo.status, 0);
    const outcome = JSON.parse(echo.stdout) as Record<string, unknown>;
    t.same(Object.keys(outcome), [
      'taskId', 'kind', 'state', 'result', 'error', 'agentId', 'attempts', 'queuedMs', 'runMs',
    ]); // prettier-ignore
    t.match(outcome, {
      kind: 'compute',
      state: 'completed',
      result: { a: [1, 2.5, null], b: 'ü' },
      error: null,
      agentId: 'agent-1',
      attempts: 1,
    });
    t.equal(echo.stderr, '');

    const historical = [[1, 2, 2, 3, 4], [1, 2, 3], [9, 9, 9]]; // prettier-ignore
    const match = await client.run({
      kind: 'pattern-match',
      input: { current: [1, 2, 3], historical, k: 2 },
    });
    t.match(match, {
      state: 'completed',
      result: {
        patternType: 'dtw-windows',
        matches: [
          { index: 1, distance: 0, similarity: 1 },
          { index: 0, distance: 1 },
        ],
      },
    });

    const status = await swarm.run(['status', '--json']);
    t.match(JSON.parse(status.stdout), { draining: false, agents: { pattern: 1 }, tasks: { completed: 2 } });
    const agents = await swarm.run(['agents', '--json']);
    t.match(JSON.parse(agents.stdout), [
      { agentId: 'agent-1', agentType: 'pattern', state: 'connected', completed: 2 },
    ]);
    const table = await swarm.run(['agents']);
    t.match(table.stdout, /AGENT +TYPE +STATE[^\n]*\nagent-1 +pattern +connected/);
    t.match((await swarm.run(['status'])).stdout, /agents +1 pattern\n/);
  });

  await t.test('a batch: results line by line, a bad line means nothing is submitted', async (t) => {
    const before = (await client.status()).counters?.submitted ?? 0;
    const lines = Array.from({ length: 300 }, (_, i) =>
      JSON.stringify({ kind: 'compute', input: { function: 'echo', input: i } }),
    );
    await writeFile(join(swarm.cwd, 'tasks.ndjson'), `${lines.join('\n')}\n`);
    const done = await swarm.run(['submit', '--batch', 'tasks.ndjson', '--wait', '--json']);
    t.equal(done.status, 0, done.stderr);
    t.equal(done.stderr, '', 'and no warnings');
    const ends = done.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { line: number; result: number });
    t.equal(ends.length, 300);
    t.ok(ends.every(({ line, result }) => line === result + 1));

    await writeFile(
      join(swarm.cwd, 'bad.ndjson'),
      `${lines.join('\n')}\n{"kind": "pattern-match", "input": {"current": [1]}}\n`,
    );
    const bad = await swarm.run(['submit', '--batch', 'bad.ndjson', '--wait', '--json']);
    t.equal(bad.status, 2);
    t.match(bad.stderr, /^error: --batch: bad\.ndjson:301: .*nothing was submitted\n$/);
    t.equal(bad.stdout, '');
    t.equal((await client.status()).counters?.submitted, before + 300);
  });

  await t.test('a CSV column is searched for what its last rows resemble', async (t) => {
    const closes = [5, 5, 1, 2, 3, 9, 9, 7, 7, 7, 1, 2, 3];
    await writeFile(
      join(swarm.cwd, 'prices.csv'),
      `date,close\n${closes.map((close, i) => `d${String(i)},${String(close)}`).join('\n')}\n`,
    );
    const found = await swarm.run([
      'submit',
      'pattern-match',
      '--csv',
      'prices.csv',
      '--column',
      'close',
      '--window',
      '3',
      '--wait',
      '--json',
    ]);
    t.equal(found.status, 0, found.stderr);
    const { result } = JSON.parse(found.stdout) as {
      result: { matches: { offset: number; distance: number }[] };
    };
    t.match(result.matches[0], { offset: 2, distance: 0, similarity: 1 });
  });

  await t.test('large inputs and results travel on streams of their own', async (t) => {
    const input = Array.from({ length: 100_000 }, (_, i) => i);
    const echo = await client.run({ kind: 'compute', input: { function: 'echo', input } });
    t.same(echo.result, input);
  });

  await t.test('own functions and kinds come from a handlers file, and all is traced', async (t) => {
    const run = (
      name: string,
      limits: Pick<TaskRequest, 'timeoutMs' | 'attempts'> = {},
      input: unknown = null,
    ) => client.run({ kind: 'compute', input: { function: name, input }, ...limits });
    const submit = (kind: string, input: unknown, traceparent: string) =>
      swarm.run(
        ['submit', kind, '--input', '-', '--attempts', '2', '--wait', '--json', '--traceparent', traceparent],
        JSON.stringify(input),
      );
    const brief = { timeoutMs: 300, attempts: 1 };
    const [sum, words, failed, burned, waited, unknown, trace, badTrace] = await Promise.all([
      run('add', {}, { a: 2, b: 3 }),
      client.run({ kind: 'word-count', input: { text: 'to be or not to be' } }),
      submit('compute', { function: 'fail', input: null }, TRACEPARENT),
      run('burn', brief),
      run('cancelled', brief),
      run('nope'),
      client.run({ kind: 'trace', input: null }),
      submit('trace', null, TRACEPARENT.replaceAll('f', '0').toUpperCase()),
    ]);
    t.match(sum, { state: 'completed', result: 5 });
    t.match(words, { state: 'completed', result: 6 });
    t.equal(failed.status, 1);
    t.match(JSON.parse(failed.stdout), { state: 'dead', attempts: 2, error: { message: /no luck today/ } });
    t.match(burned, { state: 'dead', error: { name: 'TIMEOUT' } });
    t.match(waited, { state: 'dead', error: { name: 'TIMEOUT' } });
    t.match(unknown, { state: 'failed', attempts: 1, error: { message: /add/ } });
    t.equal(badTrace.status, 2);
    t.match(errorLine(badTrace), /^error: --traceparent: .*lower-case hex/);

    await Promise.all([agent.stop(), swarm.coordinator.stop()]);
    const named = (name: string) => spans.filter((span) => span.name === name);
    const own = named('run trace')[0];
    t.equal(own?.traceId, trace.taskId.replaceAll('-', ''), 'a task of no trace begins one that has its id');
    t.equal(
      trace.result,
      `00-${own?.traceId ?? ''}-${own?.spanId ?? ''}-01`,
      'a handler can go on below its run',
    );

    const [, traceId, submitter] = TRACEPARENT.split('-');
    const mine = (name: string) => named(`${name} compute`).filter((span) => span.traceId === traceId);
    const [[task, ...more], queue, attempts, runs] = [
      mine('task'),
      mine('queue'),
      mine('attempt'),
      mine('run'),
    ];
    t.match([task, more], [{ parentSpanId: submitter, status: { code: 2, message: /no luck today/ } }, []]);
    t.match([queue.length, attempts.length, runs.length], [2, 2, 2]);
    for (const span of [...queue, ...attempts]) {
      t.match(span, { parentSpanId: task?.spanId, service: 'swarm-coordinator' });
    }
    for (const [index, span] of runs.entries()) {
      const attempt = attempts[index];
      t.match(attempt, { attributes: { 'swarm.task.attempt': index + 1, 'swarm.agent.id': 'agent-1' } });
      t.match(span, { parentSpanId: attempt?.spanId, service: 'swarm-agent', status: { code: 2 } });
      t.ok(span.startTimeUnixNano >= (attempt?.startTimeUnixNano ?? ''), 'a run is within its attempt');
      t.ok(span.endTimeUnixNano <= (attempt?.endTimeUnixNano ?? ''));
    }
  });
});

t.test('a long task in a worker thread delays neither heartbeats nor others', async (t) => {
  const swarm = await startSwarm(t, ['--heartbeat-interval', '100ms']);
  await writeFile(
    join(swarm.cwd, 'handlers.mjs'),
    `export const functions = { spin: ({ ms }) => { const end = Date.now() + ms; while (Date.now() < end); return 'done'; } };`,
  );
  await swarm.agent('agent-1', ['--handlers', 'handlers.mjs', '--concurrency', '2']);
  // 15 heartbeats' worth of uninterruptible work: a blocked main thread would be suspect after two.
  const client = await swarm.client();
  const run = (name: string, input: unknown) =>
    client.run({ kind: 'compute', input: { function: name, input } });
  const spin = run('spin', { ms: 1500 });
  t.match(await run('echo', 1), { state: 'completed', result: 1 });
  t.match(await spin, { state: 'completed', result: 'done', attempts: 1 });
  t.notOk(
    swarm.coordinator.lines.some(({ msg }) => /suspect|lost/.test(msg ?? '')),
    'never suspect',
  );
});
