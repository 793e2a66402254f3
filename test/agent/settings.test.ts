import t from 'tap';
import { AgentSettings } from '../../src/agent/settings.js';
import type { MessageOf } from '../../src/protocol/messages.js';
import { patternMatchKind } from '../../src/tasks/pattern-match/kind.js';
import { tuned, wireInput, type Setting } from '../../src/tasks/tuning.js';

function command(
  parameter: string,
  suggested: Setting,
  kind = 'pattern-match',
): MessageOf<'AdaptationCommand'> {
  const suggestion = { parameter, current: null, suggested, reason: '' };
  return { type: 'AdaptationCommand', adaptationId: 'a', kind, suggestions: [suggestion] };
}

void t.test('a command is applied, or refused with the name of what is wrong', async (t) => {
  const settings = new AgentSettings();
  t.match(settings.apply(command('k', 8)), { adaptationId: 'a', outcome: 'applied' });
  t.match(settings.apply(command('window', 4)), { outcome: 'applied' });
  t.strictSame(settings.of('pattern-match'), { k: 8, window: 4 });
  t.match(settings.apply(command('colour', 8)), { outcome: 'refused', reason: /colour/ });
  t.match(settings.apply(command('k', 0.5)), { outcome: 'refused', reason: /k: must be an integer/ });
  t.match(settings.apply(command('x', 1, 'compute')), { outcome: 'refused', reason: /'compute'/ });
  t.strictSame(new AgentSettings({ ...settings.plain, compute: { x: 1 } }).plain, settings.plain);
});

void t.test(
  'an input keeps what it says, and takes the rest from the agent, as far as it fits',
  async (t) => {
    const given = { current: [1, 2, 3], series: [1, 2, 3, 4, 5], window: 1 };
    const wire = wireInput(patternMatchKind, given);
    const settings = { k: 50, window: 4, similarityThreshold: 0.5 };
    const input = tuned('pattern-match', wire, settings);
    t.match(patternMatchKind.parseInput(input), { k: 3, window: 1, similarityThreshold: 0.5 });
    t.match(patternMatchKind.parseInput(wire), { k: 3, window: 1, similarityThreshold: 0 });
    t.equal(tuned('compute', wire, settings), wire);
  },
);
