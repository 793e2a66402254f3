import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { errorLine, startSwarm } from '../support/cli.js';

const lines = (...tasks: readonly object[]) => tasks.map((task) => `${JSON.stringify(task)}\n`).join('');
const echo = (input: unknown) => ({ kind: 'compute', input: { function: 'echo', input } });

t.test('tasks that need others: one after another, in a batch, and what is refused', async (t) => {
  const swarm = await startSwarm(t);
  const submit = async (input: unknown, ...args: readonly string[]) =>
    swarm.run(['submit', 'compute', '--input', '-', ...args], JSON.stringify(input));
  const first = (await submit({ function: 'echo', input: { rows: [1, 2] } })).stdout.trim();
  const second = (
    await submit({ function: 'echo', input: { $result: first, at: '/rows' } }, '--after', first)
  ).stdout.trim();
  const blocked = await swarm.run(['task', second]);
  t.match(
    blocked.stdout,
    new RegExp(`state +blocked\\n[^]*waits for +it needs ${first} \\(queued\\) \\(needs\\)`),
  );
  await swarm.agent('agent-1');
  await writeFile(
    join(swarm.cwd, 'good.ndjson'),
    lines(
      { ...echo({ $result: 'b' }), needs: ['b', second] },
      { ...echo([{ $result: 'a' }, 2]), id: 'b', needs: ['a'] },
      { ...echo('deep'), id: 'a' },
      { kind: 'compute', input: { function: 'nope', input: 1 }, id: 'broken', attempts: 1 },
      { ...echo(1), needs: ['broken'], onFailedNeed: 'skip' },
    ),
  );
  await writeFile(
    join(swarm.cwd, 'circle.ndjson'),
    lines({ ...echo(1), id: 'a', needs: ['b'] }, { ...echo(1), id: 'b', needs: ['a'] }),
  );
  const nobody = '01890a5d-ac96-774b-bcce-b302099a8057';
  await writeFile(join(swarm.cwd, 'unknown.ndjson'), lines(echo(1), { ...echo(1), needs: [nobody] }));
  const [good, circle, unknown, after] = await Promise.all([
    swarm.run(['submit', '--batch', 'good.ndjson', '--wait', '--json']),
    swarm.run(['submit', '--batch', 'circle.ndjson']),
    swarm.run(['submit', '--batch', 'unknown.ndjson']),
    submit({ function: 'echo', input: 1 }, '--after', nobody),
  ]);
  const ends = new Map(
    good.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { line: number; state: string; result: unknown })
      .map(({ line, state, result }) => [line, [state, result]]),
  );
  t.strictSame(ends.get(1), ['completed', ['deep', 2]]);
  t.strictSame(ends.get(5), ['cancelled', null]);
  t.match(JSON.parse((await swarm.run(['task', second, '--json'])).stdout), {
    state: 'completed',
    result: [1, 2],
  });
  t.strictSame([circle.status, unknown.status, after.status], [2, 2, 2]);
  t.match(errorLine(circle), /circle\.ndjson:1: needs: .*circle \(1 → 2 → 1\); nothing was submitted/);
  t.match(errorLine(unknown), new RegExp(`needs: no task '${nobody}'.*nothing was submitted`));
  t.match(errorLine(after), new RegExp(`UNKNOWN_TASK.*'${nobody}'`));
  const status = JSON.parse((await swarm.run(['status', '--json'])).stdout) as {
    counters: { submitted: number };
  };
  t.equal(status.counters.submitted, 7, 'nothing of what was refused');
});
