import type { Command } from 'commander';
import type { Client } from '../client/client.js';
import type { EventFilter, MissedEvents } from '../client/events.js';
import type { SwarmEvent } from '../protocol/messages.js';
import { withClient } from './connection.js';
import { onInterrupt } from './interrupt.js';
import { eventsOptions } from './options/events-options.js';
import { addOptions, readOptions } from './options/options.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { addExample } from './program.js';

/** Adds `events`: what happens to tasks and agents, one JSON object a line. */
export function registerEventsCommand(program: Command): Command {
  const command = program
    .command('events')
    .description(
      'print what happened to tasks and agents, or with --follow what happens, one JSON object a line',
    );
  addOptions(command, eventsOptions);
  addExample(command, 'swarm-coordinator events --follow --kind compute');
  command.action(async () => {
    const options = await readOptions(command, eventsOptions);
    const { kind, task, agent } = options;
    const filter = {
      ...(kind === null ? {} : { kind }),
      ...(task === null ? {} : { taskId: task }),
      ...(agent === null ? {} : { agentId: agent }),
    };
    if (options.follow) await follow(options, filter);
    else await withClient(options, (client) => printRecent(client, filter));
  });
  return command;
}

async function printRecent(client: Client, filter: EventFilter): Promise<void> {
  const output = new Output();
  for (const event of await client.recentEvents(filter)) {
    if (output.gone.aborted) return;
    await writeJson(output, lineOf(event));
  }
}

async function follow(options: Parameters<typeof withClient>[0], filter: EventFilter): Promise<void> {
  const interrupts = onInterrupt();
  const output = new Output();
  const signal = AbortSignal.any([interrupts.signal, output.gone]);
  try {
    await withClient(
      options,
      async (client) => {
        for await (const event of client.events({ ...filter, signal }))
          await writeJson(output, lineOf(event));
      },
      { reattachTimeoutMs: Infinity },
    );
  } catch (error) {
    if (!output.gone.aborted) throw error;
  } finally {
    interrupts.stop();
  }
}

/** Each event has all keys, null where it says nothing. */
function lineOf(event: SwarmEvent | MissedEvents): object {
  const { at, event: name } = event;
  if ('missed' in event) return { at, event: name, missed: event.missed };
  const { taskId, kind, priority, attempt, agentId, agentType, detail } = event;
  return {
    at,
    event: name,
    taskId: taskId ?? null,
    kind: kind ?? null,
    priority: priority ?? null,
    attempt: attempt ?? null,
    agentId: agentId ?? null,
    agentType: agentType ?? null,
    detail: detail ?? null,
  };
}
