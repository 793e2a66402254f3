import { EventEmitter, once } from 'node:events';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import type { CoordinatorView, EventListener, ReadyCheck } from '../../../src/observe/coordinator-view.js';
import { coordinatorRoutes } from '../../../src/observe/http/coordinator-routes.js';
import {
  startHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../../src/observe/http/server.js';
import { silentLog } from '../../../src/observe/log.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import type { MessageOf } from '../../../src/protocol/messages.js';
import { encodeValue } from '../../../src/protocol/value.js';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: unknown;
}

const STATUS: Omit<MessageOf<'StatusReport'>, 'type' | 'requestId'> = {
  coordinatorId: 'c1',
  version: 'test 1',
  startedAt: 1,
  draining: false,
  agents: { worker: 1 },
  tasks: { queued: 1 },
  queued: { compute: 1 },
  clients: 0,
  memoryBytes: 1,
  dropped: {},
  protocolErrors: 0,
};

class FakeView implements CoordinatorView {
  readonly changed: string[] = [];
  readonly listeners = new Set<EventListener>();
  asked: unknown = null;
  checks: ReadyCheck[] = [{ name: 'store', ok: true }];

  status() {
    return Promise.resolve(STATUS);
  }
  agents() {
    return Promise.resolve([]);
  }
  tasks(filter: unknown) {
    this.asked = filter;
    return Promise.resolve({ tasks: [], more: false });
  }
  task(taskId: string) {
    if (taskId !== 'known') return Promise.reject(new ProtocolError('UNKNOWN_TASK', `no task '${taskId}'`));
    return Promise.resolve({
      task: {
        taskId,
        kind: 'compute',
        state: 'completed' as const,
        priority: 5,
        agentId: 'a',
        attempts: 1,
        submittedAt: 1,
        queuedMs: 1,
        runMs: 1,
        error: null,
        progress: null,
      },
      history: [],
      result: encodeValue({ sums: Float64Array.of(1, 2.5), name: 'x' }),
    });
  }
  retry(taskId: string) {
    if (taskId === 'done') return Promise.reject(new ProtocolError('TASK_NOT_RETRYABLE'));
    this.changed.push(`retry ${taskId}`);
    return Promise.resolve();
  }
  cancel(taskId: string) {
    this.changed.push(`cancel ${taskId}`);
    return Promise.resolve();
  }
  subscribe(listener: EventListener) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  reasoning() {
    return Promise.resolve(encodeValue({ counters: { experiences: 3 } }));
  }
  readiness() {
    return this.checks;
  }
}

function ask(
  server: HttpServer,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const [host, port] = server.address.split(':');
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson =
          response.headers['content-type']?.startsWith('application/json') === true && text !== '';
        const parsed: unknown = isJson ? JSON.parse(text) : null;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function serve(
  t: Test,
  {
    token = null,
    ...options
  }: { token?: string | null } & Pick<Partial<HttpServerOptions>, 'hostNames' | 'stalledMs'> = {},
) {
  const view = new FakeView();
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    ...options,
    routes: coordinatorRoutes({ view, token: () => token }),
    log: silentLog,
  });
  t.teardown(() => server.close());
  return { view, server };
}

function connectTo(t: Test, server: HttpServer): Socket {
  const [host = '', port] = server.address.split(':');
  const socket = connect(Number(port), host);
  t.teardown(() => socket.destroy());
  return socket;
}

t.test('answers what the coordinator says', async (t) => {
  const { server, view } = await serve(t);
  t.same((await ask(server, '/api/status')).body, STATUS);
  t.same((await ask(server, '/api/reasoning')).body, { counters: { experiences: 3 } });
  t.same((await ask(server, '/api/agents')).body, []);
  t.same((await ask(server, '/api/tasks?state=dead&kind=compute&limit=10&before=x')).body, {
    tasks: [],
    more: false,
  });
  t.same(view.asked, { state: 'dead', kind: 'compute', limit: 10, before: 'x' });
  const task = await ask(server, '/api/task?id=known');
  t.match(task.body, { taskId: 'known', state: 'completed', result: { sums: [1, 2.5], name: 'x' } });
});

t.test('says whether it is ready, and why not', async (t) => {
  const { server, view } = await serve(t);
  t.match(await ask(server, '/healthz'), { status: 200, body: { status: 'alive' } });
  t.match(await ask(server, '/readyz'), { status: 200, body: { status: 'ready' } });
  view.checks = [
    { name: 'store', ok: true },
    { name: 'accepting', ok: false, reason: 'draining' },
  ];
  t.match(await ask(server, '/readyz'), { status: 503, body: { status: 'not ready', checks: view.checks } });
});

t.test('refuses what it does not serve with the right status', async (t) => {
  const { server, view } = await serve(t, { token: 'secret' });
  const cases: readonly (readonly [string, string, number, string])[] = [
    ['GET', '/nothing', 404, 'NOT_FOUND'],
    ['GET', '/api/status/', 404, 'NOT_FOUND'],
    ['GET', '/../etc/passwd', 404, 'NOT_FOUND'],
    ['POST', '/api/status', 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/api/retry?id=x', 405, 'METHOD_NOT_ALLOWED'],
    ['OPTIONS', '/api/status', 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/api/status?x=1', 400, 'BAD_QUERY'],
    ['GET', '/api/tasks?state=lost', 400, 'BAD_QUERY'],
    ['GET', '/api/tasks?limit=0', 400, 'BAD_QUERY'],
    ['GET', '/api/tasks?limit=1001', 400, 'BAD_QUERY'],
    ['GET', '/api/tasks?limit=1&limit=2', 400, 'BAD_QUERY'],
    ['GET', '/api/tasks?kind=%zz', 400, 'BAD_QUERY'],
    ['GET', '/api/tasks?kind=NoKind', 400, 'BAD_QUERY'],
    ['GET', '/api/task', 400, 'BAD_QUERY'],
    ['GET', '/api/task?id=%00', 400, 'BAD_QUERY'],
    ['GET', '/api/task?id=nobody', 404, 'UNKNOWN_TASK'],
    ['GET', `/api/task?id=${'x'.repeat(3000)}`, 414, 'URI_TOO_LONG'],
  ];
  for (const [method, path, status, name] of cases) {
    const answer = await ask(server, path, { method });
    t.match(answer, { status, body: { error: { name } } }, `${method} ${path.slice(0, 40)}`);
  }
  t.equal((await ask(server, '/api/status', { method: 'POST' })).headers.allow, 'GET, HEAD');
  t.equal((await ask(server, '/api/retry?id=x', { body: 'x'.repeat(10_000), method: 'POST' })).status, 413);
  t.equal((await ask(server, `/api/status?${'x'.repeat(20_000)}`)).status, 431);
  t.same(view.changed, []);
});

t.test('a request for another name is not answered', async (t) => {
  const { server } = await serve(t, { hostNames: ['Swarm.Example'] });
  const port = server.address.split(':')[1] ?? '';
  for (const host of [
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    '10.1.2.3',
    '[::2]',
    'a b',
    'localhost:80:80',
    '127.evil',
  ])
    t.match(
      await ask(server, '/api/status', { headers: { host } }),
      { status: 421, body: { error: { name: 'WRONG_HOST' } } },
      host,
    );
  for (const host of [
    'localhost',
    `localhost:${port}`,
    '127.0.0.1',
    '[::1]:9464',
    'swarm.example',
    'SWARM.EXAMPLE.:99',
  ])
    t.equal((await ask(server, '/api/status', { headers: { host } })).status, 200, host);
});

t.test('a target in absolute form names the host instead of the header', async (t) => {
  const { server } = await serve(t);
  const { address } = server;
  const foreign = { headers: { host: 'evil.example' } };
  for (const base of [`http://${address}`, 'HTTP://localhost', 'http://[::1]:9464'])
    t.match(await ask(server, `${base}/api/tasks?limit=1`, foreign), { status: 200 }, base);
  t.equal((await ask(server, `http://${address}`)).text, (await ask(server, '/')).text);
  const cases: readonly (readonly [string, number, string])[] = [
    ['http://evil.example/api/status', 421, 'WRONG_HOST'],
    [`http://user@${address}/api/status`, 421, 'WRONG_HOST'],
    ['http:///api/status', 421, 'WRONG_HOST'],
    [`https://${address}/api/status`, 400, 'BAD_TARGET'],
    [`ftp://${address}/api/status`, 400, 'BAD_TARGET'],
    ['*', 400, 'BAD_TARGET'],
    [`http://${address}?x=1`, 400, 'BAD_QUERY'],
    [`http://${address}/api/status?x=1`, 400, 'BAD_QUERY'],
    [`http://${address}/api/status/`, 404, 'NOT_FOUND'],
  ];
  for (const [target, status, name] of cases)
    t.match(await ask(server, target), { status, body: { error: { name } } }, target);
});

t.test('every answer carries a policy that allows no foreign or inline script', async (t) => {
  const { server } = await serve(t);
  for (const path of ['/api/status', '/nothing', '/healthz']) {
    const { headers } = await ask(server, path);
    t.match(headers['content-security-policy'], /default-src 'none'/);
    t.notMatch(headers['content-security-policy'], /unsafe/);
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    });
    t.equal(headers['access-control-allow-origin'], undefined);
  }
});

t.test('HEAD has the headers and no body', async (t) => {
  const { server } = await serve(t);
  const answer = await ask(server, '/api/status', { method: 'HEAD' });
  t.match(answer, { status: 200, text: '' });
  t.equal(Number(answer.headers['content-length']), (await ask(server, '/api/status')).text.length);
});

t.test('without a token nobody changes anything', async (t) => {
  const { server, view } = await serve(t);
  const headers = { authorization: 'Bearer secret' };
  t.match(await ask(server, '/api/retry?id=x', { method: 'POST', headers }), {
    status: 403,
    body: { error: { name: 'READ_ONLY' } },
  });
  t.same(view.changed, []);
});

t.test('with the token tasks are retried and cancelled', async (t) => {
  const { server, view } = await serve(t, { token: 'secret' });
  const post = (path: string, authorization?: string) =>
    ask(server, path, { method: 'POST', headers: authorization === undefined ? {} : { authorization } });
  t.match(await post('/api/retry?id=x'), { status: 401, headers: { 'www-authenticate': /^Bearer/ } });
  for (const wrong of ['Bearer other', 'Bearer', 'Basic secret', 'secret', 'Bearer secret secret'])
    t.equal((await post('/api/retry?id=x', wrong)).status, 401, wrong);
  t.same(view.changed, []);
  t.match(await post('/api/retry?id=x', 'Bearer secret'), { status: 200, body: { taskId: 'x', done: true } });
  t.match(await post('/api/cancel?id=y', 'bearer secret'), { status: 200 });
  t.match(await post('/api/retry?id=done', 'Bearer secret'), {
    status: 409,
    body: { error: { name: 'TASK_NOT_RETRYABLE' } },
  });
  t.equal((await post('/api/cancel', 'Bearer secret')).status, 400);
  t.same(view.changed, ['retry x', 'cancel y']);
});

t.test('events are told as they come, and what was lost is counted', async (t) => {
  const { server, view } = await serve(t);
  const socket = connectTo(t, server);
  let seen = '';
  const until = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!seen.includes(text)) return;
        socket.off('data', look);
        resolve();
      };
      socket.on('data', look);
      look();
    });
  socket.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  socket.write('GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until('retry: ');
  t.match(seen, /content-type: text\/event-stream/);
  t.equal(view.listeners.size, 1);
  const tell: EventListener = (events, dropped) =>
    view.listeners.forEach((listener) => listener(events, dropped));
  tell([{ event: 'task-submitted', at: 5, taskId: 'x', kind: 'compute' }], 0);
  await until('"kind":"compute"}\n\n');
  t.match(seen, /event: task-submitted\ndata: \{"event":"task-submitted","at":5,"taskId":"x"/);
  tell([], 3);
  await until('event: dropped\ndata: {"dropped":3}\n\n');

  // a reader that stops reading loses events instead of filling memory
  socket.pause();
  const detail = 'x'.repeat(500);
  const told = 40_000;
  for (let i = 0; i < told; i++) tell([{ event: 'task-failed', at: i, detail }], 0);
  socket.resume();
  tell([{ event: 'agent-joined', at: 1, agentId: 'slow' }], 0);
  const poll = setInterval(() => tell([{ event: 'agent-joined', at: 2, agentId: 'later' }], 0), 5);
  await until('"agentId":"later"');
  clearInterval(poll);
  const counts = [...seen.matchAll(/data: \{"dropped":(\d+)\}/g)].map(([, count]) => Number(count));
  t.ok(
    counts.slice(1).reduce((sum, count) => sum + count, 0) > told / 2,
    'most were dropped, and it says so',
  );
  const gone = new Promise<void>((resolve) => {
    const [listener] = view.listeners;
    const original = view.listeners.delete.bind(view.listeners);
    view.listeners.delete = (one) => {
      if (one === listener) resolve();
      return original(one);
    };
  });
  socket.destroy();
  await gone;
  t.equal(view.listeners.size, 0);
});

t.test('a reader that reads nothing is let go', async (t) => {
  const { server, view } = await serve(t, { stalledMs: 200 });
  const socket = connectTo(t, server);
  const subscribe = view.subscribe.bind(view);
  const happened = new EventEmitter();
  view.subscribe = (listener) => {
    const end = subscribe(listener);
    happened.emit('subscribed');
    return () => {
      happened.emit('unsubscribed');
      end();
    };
  };
  socket.pause();
  const [subscribed, unsubscribed] = [once(happened, 'subscribed'), once(happened, 'unsubscribed')];
  socket.write('GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await subscribed;
  const detail = 'x'.repeat(100_000);
  for (let i = 0; i < 100; i++)
    view.listeners.forEach((listener) => listener([{ event: 'task-failed', at: i, detail }], 0));
  await unsubscribed;
  t.equal(view.listeners.size, 0);
});

t.test('requests that come together are answered one after another', async (t) => {
  const { server, view } = await serve(t);
  const happened = new EventEmitter();
  let asked = 0;
  view.status = () => {
    const clients = ++asked;
    return new Promise((resolve) => happened.emit('asked', () => resolve({ ...STATUS, clients })));
  };
  const socket = connectTo(t, server);
  let seen = '';
  socket.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  const some = 5;
  let next = once(happened, 'asked');
  socket.write('GET /api/status HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(some));
  for (let i = 1; i <= some; i++) {
    const [answer] = (await next) as [() => void];
    await new Promise(setImmediate);
    t.equal(asked, i, 'the next waits for the answer before it');
    next = once(happened, 'asked');
    const answered = once(socket, 'data');
    answer();
    await answered;
  }
  t.same(
    [...seen.matchAll(/"clients":(\d+)/g)].map(([, n]) => Number(n)),
    [1, 2, 3, 4, 5],
  );
});

t.test('a connection that asks for too much at once is ended', async (t) => {
  const { server, view } = await serve(t);
  let asked = 0;
  view.status = () => {
    asked++;
    return new Promise(() => undefined);
  };
  const socket = connectTo(t, server);
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write('GET /api/status HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(1_000));
  await closed;
  t.ok(asked <= 1, `${asked} were asked for`);
});

t.test('many readers at once are no reason for a warning', async (t) => {
  const { server, view } = await serve(t);
  const warnings: Error[] = [];
  const warn = (warning: Error) => void warnings.push(warning);
  process.on('warning', warn);
  t.teardown(() => process.off('warning', warn));
  for (let i = 0; i < 12; i++) {
    const socket = connectTo(t, server);
    socket.write('GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(socket, 'data');
  }
  t.equal(view.listeners.size, 12);
  await new Promise(setImmediate);
  t.same(warnings, []);
});

t.test('an address in use rejects with the code of the system', async (t) => {
  const { server } = await serve(t);
  const port = Number(server.address.split(':')[1]);
  await t.rejects(startHttpServer({ host: '127.0.0.1', port, routes: [], log: silentLog }), {
    code: 'EADDRINUSE',
  });
});
