import { cutText } from '../protocol/errors.js';
import type { MessageOf } from '../protocol/messages.js';
import { errorDetailOf } from '../tasks/failure.js';
import { taskKinds } from '../tasks/registry.js';
import type { Setting, Settings } from '../tasks/tuning.js';

/** An agent's own defaults by kind of task. */
export type SettingsByKind = Readonly<Record<string, Settings>>;

/**
 * What the coordinator has told an agent to use where the input of a task leaves a parameter out. A command is taken as a
 * whole or refused as a whole; the same one again changes nothing.
 */
export class AgentSettings {
  #byKind: ReadonlyMap<string, Settings>;

  /** `kept`: of an earlier process of the same session; what does not fit this version's kinds is left out. */
  constructor(kept: SettingsByKind = {}) {
    const fitting = Object.entries(kept).map(([kind, settings]): [string, Settings] => [
      kind,
      Object.fromEntries(
        Object.entries(settings).filter(([name, value]) => faultOf(kind, name, value) === null),
      ),
    ]);
    this.#byKind = new Map(fitting.filter(([, settings]) => Object.keys(settings).length > 0));
  }

  /** Those of a kind, or undefined when there are none. */
  of(kind: string): Settings | undefined {
    return this.#byKind.get(kind);
  }

  get plain(): SettingsByKind {
    return Object.fromEntries(this.#byKind);
  }

  /** A new session begins with the kinds' own defaults. */
  clear(): void {
    this.#byKind = new Map();
  }

  apply({ adaptationId, kind, suggestions }: MessageOf<'AdaptationCommand'>): MessageOf<'AdaptationAck'> {
    for (const { parameter, suggested } of suggestions) {
      const fault = faultOf(kind, parameter, suggested);
      if (fault === null) continue;
      return { type: 'AdaptationAck', adaptationId, outcome: 'refused', reason: cutText(fault, 1024) };
    }
    const changes = suggestions.map(({ parameter, suggested }) => [parameter, suggested] as const);
    const settings = { ...this.#byKind.get(kind), ...Object.fromEntries(changes) };
    this.#byKind = new Map(this.#byKind).set(kind, settings);
    return { type: 'AdaptationAck', adaptationId, outcome: 'applied' };
  }
}

function faultOf(kind: string, parameter: string, value: Setting): string | null {
  const tuning = taskKinds.get(kind)?.tuning;
  if (tuning === undefined) return `${parameter}: tasks of kind '${kind}' have no parameters to adapt`;
  try {
    tuning.check(parameter, value);
    return null;
  } catch (thrown) {
    return `${kind}: ${errorDetailOf(thrown).message}`;
  }
}
