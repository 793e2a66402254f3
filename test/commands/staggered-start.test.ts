import { EventEmitter, once } from 'node:events';
import t from 'tap';
import { startStaggered, type Starting } from '../../src/commands/staggered-start.js';

class FakeAgent extends EventEmitter implements Starting {
  started = 0;
  start(): void {
    this.started++;
    this.emit('started');
  }
}

function agents(count: number): FakeAgent[] {
  return Array.from({ length: count }, () => new FakeAgent());
}

function started(all: readonly FakeAgent[]): string {
  return all.map((agent) => agent.started).join('');
}

t.test('an agent is started when another one is registered or has stopped', async (t) => {
  const all = agents(5);
  const stop = startStaggered(all, { atOnce: 2 });
  t.teardown(stop);
  t.equal(started(all), '11000');
  all[1]?.emit('registered');
  t.equal(started(all), '11100');
  all[1]?.emit('stopped');
  t.equal(started(all), '11100', 'it has made room once');
  all[0]?.emit('stopped');
  t.equal(started(all), '11110');
});

t.test('one that gets no answer holds up no other', async (t) => {
  const [first = new FakeAgent(), second = new FakeAgent()] = agents(2);
  const begun = once(second, 'started');
  t.teardown(startStaggered([first, second], { atOnce: 1, patienceMs: 20 }));
  t.equal(second.started, 0);
  await begun;
  t.equal(second.started, 1);
});

t.test('nobody is started after the end', async (t) => {
  const all = agents(3);
  startStaggered(all, { atOnce: 1 })();
  all[0]?.emit('registered');
  t.equal(started(all), '100');
});
