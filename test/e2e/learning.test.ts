import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { startSwarm } from '../support/cli.js';

t.test('what came of a forecast is reported, and the swarm tells what it learned', async (t) => {
  const swarm = await startSwarm(t);
  await swarm.agent('agent-1', ['--type', 'pattern']);
  await writeFile(
    join(swarm.cwd, 'judge.mjs'),
    'export const judge = () => ({ score: -0.625, confidence: 1 });',
  );
  await swarm.agent('judge-1', ['--type', 'reasoning', '--handlers', 'judge.mjs']);
  const input = JSON.stringify({
    current: [1, 2, 3],
    series: [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6],
    horizon: 1,
  });
  const submitted = await swarm.run(['submit', 'pattern-match', '--input', '-', '--wait', '--json'], input);
  const { taskId, result } = JSON.parse(submitted.stdout) as {
    readonly taskId: string;
    readonly result: { readonly expectedOutcome: number };
  };
  const missing = await swarm.run(['outcome', taskId]);
  t.equal(missing.status, 2);
  t.match(missing.stderr, /--actual/);
  const said = await swarm.run(['outcome', taskId, '--actual', String(result.expectedOutcome)]);
  t.match(said, { status: 0, stdout: `${taskId} outcome recorded\n` });
  const again = await swarm.run(['outcome', taskId, '--value', '1']);
  t.equal(again.status, 2);
  t.match(again.stderr, /OUTCOME_KNOWN/);
  const like = await swarm.run(['patterns', '--input', '-', '--json'], '[10, 20, 30]');
  t.match(JSON.parse(like.stdout), {
    store: 'built-in',
    patterns: 1,
    withOutcome: 1,
    similar: [{ taskId, agentId: 'agent-1', points: 3, actual: result.expectedOutcome }],
  });
  const flat = await swarm.run(['patterns', '--input', '-'], '[1, 1]');
  t.equal(flat.status, 2);
  t.match(flat.stderr, /every number is 1/);
  const report = JSON.parse(
    (await swarm.run(['reasoning', '--agent', 'agent-1', '--json'])).stdout,
  ) as object;
  t.match(report, {
    judges: ['judge-1'],
    counters: { experiences: 1, pendingForecasts: 0 },
    verdicts: [
      {
        agentId: 'agent-1',
        experienceId: `task:${taskId}`,
        judge: 'judge-1',
        score: -0.625,
        parts: { quality: Number },
      },
    ],
  });
  const tables = await swarm.run(['reasoning']);
  t.match(tables.stdout, /performance\nAGENT +KIND +CONTEXT/);
  t.match(tables.stdout, /verdicts\n[^\n]+\nagent-1 +pattern-match +task:\S+ +-0\.6\d +quality [-+0]/);
});
