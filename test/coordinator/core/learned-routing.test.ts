import t from 'tap';
import { BANK_OPTIONS, bankPorts } from '../../../src/coordinator/core/reasoning/bank-options.js';
import { leastLoaded } from '../../../src/coordinator/core/tasks/routing.js';
import { ReasoningBank } from '../../../src/reasoning/bank.js';
import { learnedRouting } from '../../../src/reasoning/routing.js';
import { deliver, patternAgent, report, world } from './learning-world.js';
import { START } from './world.js';

interface Play {
  /** Of learned routing; null: least-loaded. */
  readonly seed: number | null;
  readonly tasks: number;
  /** Whether what came of the forecasts is reported. */
  readonly outcomes: boolean;
}

/** Tasks one after the other, of two agents of which one forecasts well and one badly; returns who got which. */
function play({ seed, tasks, outcomes }: Play): string[] {
  let ids = 0;
  const bank = new ReasoningBank(
    BANK_OPTIONS,
    bankPorts(() => `id-${++ids}`),
    START,
  );
  const routing = seed === null ? leastLoaded : learnedRouting({ performance: bank.performance, seed });
  const w = world(bank, { routing });
  const agents = ['poor', 'good'].map((id) => patternAgent(w, id, { concurrency: 2 }));
  const client = w.client();
  return Array.from({ length: tasks }, () => {
    const taskId = client.submit({ kind: 'pattern-match' });
    const agent = agents.find(({ connectionId }) =>
      w.inboxes.get(connectionId)?.some(({ message }) => message.type === 'AgentTask'),
    );
    if (agent === undefined) throw new Error('nobody was given the task');
    deliver(agent, agent.takeTask(), 0.02);
    w.advance(1);
    if (outcomes) report(w, client, taskId, { actual: agent.agentId === 'good' ? 0.02 : -0.02 });
    return agent.agentId;
  });
}

const share = (of: string, among: readonly string[]) => among.filter((id) => id === of).length / among.length;

t.test('the agent with the better outcomes gets nearly all tasks of its kind', async (t) => {
  const plain = play({ seed: null, tasks: 100, outcomes: true });
  t.equal(share('good', plain), 0.5, 'the least loaded one is as often the other');
  const learned = play({ seed: 7, tasks: 300, outcomes: true });
  t.ok(share('good', learned.slice(100)) > 0.9, `share ${share('good', learned.slice(100))}`);
  t.ok(learned.slice(0, 20).includes('poor'), 'which it had to find out');
});

t.test('the same seed gives the same choices, another one others', async (t) => {
  const first = play({ seed: 7, tasks: 60, outcomes: true });
  t.strictSame(play({ seed: 7, tasks: 60, outcomes: true }), first);
  t.notSame(play({ seed: 8, tasks: 60, outcomes: true }), first);
});

t.test('while no outcome is known, it chooses as least-loaded does, whatever the seed', async (t) => {
  const plain = play({ seed: null, tasks: 40, outcomes: false });
  for (const seed of [7, 8]) t.strictSame(play({ seed, tasks: 40, outcomes: false }), plain);
});
