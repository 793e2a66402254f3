import t from 'tap';
import type { MessageOf } from '../../../src/protocol/messages.js';
import { forecast, patternAgent, report, restarted, untilAdapted, world } from './learning-world.js';
import type { AgentDouble, ClientDouble, World } from './world.js';

/** Makes the agent change something, and lets forecasts of 0.02 come to `actual` until that is judged. */
function tryChange(w: World, agent: AgentDouble, client: ClientDouble, before: number, after: number) {
  const command = untilAdapted(w, agent, client, before);
  agent.say({ type: 'AdaptationAck', adaptationId: command.adaptationId, outcome: 'applied' });
  w.advance(1);
  const { reports } = w.core.state.learning.bank;
  for (let i = 0; i < 100 && reports.adaptations().length === 0; i++) {
    report(w, client, forecast(w, agent, client, 0.02), { actual: after });
  }
  const [ended] = reports.adaptations();
  return { command, ended };
}

function valuesOf(w: World): Readonly<Record<string, unknown>> {
  return w.core.state.learning.bank.reports.underWay()[0]?.values ?? {};
}

t.test('a change that hurt is seen early, and the agent is told to take it back', async (t) => {
  const w = world();
  const agent = patternAgent(w, 'a1');
  const client = w.client();
  const { command, ended } = tryChange(w, agent, client, 0.009, -0.02);
  t.match(ended, { end: 'rolled-back', outcomes: 30, adaptationId: command.adaptationId });
  t.ok((ended?.comparison?.high ?? 1) < 0, 'it was worse with hardly a doubt');
  const [back] = w.takeType(agent.connectionId, 'AdaptationCommand');
  const [suggestion] = command.suggestions;
  t.match(back?.suggestions, [
    { parameter: suggestion?.parameter, current: suggestion?.suggested, suggested: suggestion?.current },
  ]);
  t.match(w.core.state.learning.bank.reports.underWay(), [{ phase: 'returning' }]);
  agent.say({ type: 'AdaptationAck', adaptationId: back?.adaptationId ?? '', outcome: 'applied' });
  t.match(w.core.state.learning.bank.reports.underWay(), [{ phase: 'watching' }]);
  t.equal(valuesOf(w)[suggestion?.parameter ?? ''], suggestion?.current);
});

t.test(
  'a value that was kept outlives the coordinator, and an agent that starts anew is told it',
  async (t) => {
    const before = world();
    const first = patternAgent(before, 'a1');
    const { sessionToken } = first.ack();
    const { command, ended } = tryChange(before, first, before.client(), 0.009, 0.02);
    t.match(ended, { end: 'kept' });
    const [suggestion] = command.suggestions;
    t.ok(suggestion);
    if (suggestion === undefined) return;
    const { parameter, suggested } = suggestion;
    const told = (agent: AgentDouble): MessageOf<'AdaptationCommand'>[] =>
      agent.world.takeType(agent.connectionId, 'AdaptationCommand');

    const w = restarted(before);
    t.equal(valuesOf(w)[parameter], suggested, 'the coordinator knows it');
    const same = patternAgent(w, 'a1', { sessionToken });
    t.equal(same.ack().resumed, true);
    t.strictSame(told(same), [], 'an agent that resumes its session has it');

    w.lose(same.connectionId);
    w.advance(60_001);
    const anew = patternAgent(w, 'a1');
    t.equal(anew.ack().resumed, false);
    const [command2] = told(anew);
    t.match(command2, { kind: 'pattern-match' });
    t.match(
      command2?.suggestions.find((one) => one.parameter === parameter),
      { suggested },
    );
    t.strictSame(told(patternAgent(w, 'a2')), [], 'others have their own');
  },
);
