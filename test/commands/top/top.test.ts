import t from 'tap';
import { drawTop } from '../../../src/commands/top/top-screen.js';
import {
  initialState,
  sampled,
  scrolledBy,
  unanswered,
  type Sample,
  type TopState,
} from '../../../src/commands/top/top-state.js';
import { displayWidth } from '../../../src/commands/output/display-width.js';
import { Screen } from '../../../src/commands/top/screen.js';
import type { AgentSummary } from '../../../src/protocol/messages.js';
import { runCli } from '../../support/cli.js';

function agent(agentId: string, more: Partial<AgentSummary> = {}): AgentSummary {
  return {
    agentId,
    agentType: 'worker',
    state: 'connected',
    kinds: ['compute'],
    concurrency: 4,
    activeTasks: 1,
    load: 0.5,
    memoryBytes: 50 * 2 ** 20,
    rttMs: 2,
    connectedAt: 0,
    lastHeardAt: 0,
    completed: 10,
    failed: 0,
    address: '127.0.0.1:9',
    ...more,
  };
}

function sample(
  at: number,
  completed: number,
  agents: readonly AgentSummary[] = [agent('a')],
  startedAt = 0,
) {
  const status: Sample['status'] = {
    coordinatorId: 'main',
    version: 'v',
    startedAt,
    draining: false,
    agents: {},
    tasks: { completed, queued: 7, running: 2 },
    queued: { compute: 7 },
    clients: 1,
    memoryBytes: 2 ** 20,
    dropped: {},
    protocolErrors: 0,
    counters: { submitted: completed + 9, leased: completed + 2 },
  };
  return { at, agentsAt: at, status, agents };
}

const after = (...samples: readonly Sample[]) => samples.reduce(sampled, initialState('127.0.0.1:5000'));
const draw = (state: TopState, width = 80, height = 24) => drawTop(state, width, height, 60_000);

t.test('rates come from what two answers differ by', (t) => {
  const { history } = after(sample(1000, 100), sample(3000, 300));
  t.same(history.ended, [0, 100]);
  t.same(history.submitted, [0, 100]);
  t.same(history.waiting, [7, 7]);
  t.same(history.running, [2, 2]);
  t.same(after(sample(1000, 300), sample(2000, 100)).history.ended, [0, 0], 'never negative');
  t.same(after(sample(1000, 100), sample(2000, 900, [], 1500)).history.ended, [0, 0], 'another process');
  let state = initialState('x');
  for (let i = 0; i < 2000; i++) state = sampled(state, sample(i * 1000, i));
  t.ok(state.history.ended.length < 1000, 'history is bounded');
  t.end();
});

t.test('the screen shows state, figures, rates and agents', (t) => {
  const text = draw(after(sample(1000, 1000), sample(2000, 2234))).join('\n');
  t.match(text, /^swarm-coordinator main at 127\.0\.0\.1:5000 +running, up 1m\n/);
  t.match(text, 'tasks    2,234 completed, 7 queued, 2 running\n');
  t.match(text, 'queue    7 compute\n');
  t.match(text, /ended\/s +1,234 {2}▁█\n/);
  t.match(text, /AGENT +TYPE +STATE[^\n]+\na +worker +connected +1\/4 +50%/);
  t.match(draw(unanswered(after(sample(1, 1)), 'no answer'))[1], '! no answer');
  t.match(draw(initialState('x')).join('\n'), 'waiting for the first answer');
  t.match(draw(after(sample(1, 1, []))).join('\n'), 'no agents');
  t.end();
});

t.test('ages are told by the clock of the coordinator', (t) => {
  const { status, ...rest } = sample(2000, 1, [agent('a', { lastHeardAt: 7_205_000 })], 7_000_000);
  const ahead = { ...rest, status: { ...status, now: 7_212_000 } };
  const text = draw(after(ahead)).join('\n');
  t.match(text, /up 270s\n/);
  t.match(text, /\na .* 7s ago\b/);
  t.end();
});

t.test('it fits every terminal', (t) => {
  const agents = Array.from({ length: 50 }, (_, i) => agent(`agent-宽${String(i)}\x1b[2J`));
  const state = unanswered(after(sample(1000, 1e9, agents), sample(2000, 2e9, agents)), 'x'.repeat(300));
  for (const width of [1, 2, 10, 24, 40, 80, 250]) {
    for (const height of [1, 2, 3, 10, 14, 24, 100]) {
      const lines = draw(state, width, height);
      t.equal(lines.length, height);
      for (const line of lines) {
        if (displayWidth(line) > Math.max(width, 1)) t.fail(`${width}x${height}: '${line}' is too wide`);
        if (line.includes('\x1b')) t.fail('an escape sequence of a peer reaches the terminal');
      }
    }
  }
  t.equal(draw(state).at(-1), 'q quit   ↑ ↓ scroll');
  t.end();
});

t.test('agents in trouble come first, and the list scrolls', (t) => {
  const many = Array.from({ length: 30 }, (_, i) => agent(`agent-${String(i)}`));
  const agents = [...many, agent('lost', { state: 'disconnected' }), agent('stuck', { stalled: true })];
  const state = after(sample(1000, 1, agents));
  const names = (state: TopState) =>
    draw(state, 80, 24)
      .filter((line) => /^(agent-|lost|stuck)/.test(line))
      .map((line) => line.split(' ')[0]);
  t.same(names(state).slice(0, 4), ['stuck', 'lost', 'agent-0', 'agent-1']);
  t.match(draw(state).join('\n'), /… \d+ more below/);
  t.same(names(scrolledBy(state, 3)).slice(0, 1), ['agent-1']);
  t.same(names(scrolledBy(scrolledBy(state, 3), -100))[0], 'stuck');
  const end = scrolledBy(state, 1000);
  t.same(names(end), ['agent-29']);
  t.notMatch(draw(end).join('\n'), 'more below');
  t.end();
});

t.test('the terminal is given back as it was', (t) => {
  let written = '';
  const raw: boolean[] = [];
  const keys: string[] = [];
  let listener = (_data: Buffer) => {};
  const input = {
    isTTY: true,
    setRawMode: (on: boolean) => void raw.push(on),
    on: (_event: 'data', to: (data: Buffer) => void) => void (listener = to),
    off: () => void (listener = () => {}),
    resume: () => undefined,
    pause: () => undefined,
  };
  const screen = new Screen({ columns: 10, rows: 3, write: (text) => (written += text) }, input, (typed) =>
    keys.push(typed),
  );
  t.same([screen.width, screen.height], [10, 3]);
  listener(Buffer.from('q'));
  screen.paint(['one', 'two']);
  screen.close();
  screen.close();
  screen.paint(['late']);
  listener(Buffer.from('x'));
  t.same(keys, ['q']);
  t.same(raw, [true, false]);
  t.equal(written, '\x1b[?1049h\x1b[?25l\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J\x1b[?25h\x1b[?1049l');
  t.end();
});

t.test('without a terminal it says so', async (t) => {
  const { status, stderr } = await runCli('swarm-coordinator', ['top'], { cwd: t.testdir() });
  t.equal(status, 2);
  t.equal(stderr, 'error: top: standard output is no terminal: --json prints one snapshot\n');
});
