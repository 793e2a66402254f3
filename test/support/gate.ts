import { createServer, type ServerResponse } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { TaskRequest } from '../../src/index.js';

export interface Gate {
  /** Handlers file with the compute function `hold`: it runs until the gate is opened. */
  readonly handlers: string;
  /** A task that holds. */
  readonly task: TaskRequest;
  /** Its input as JSON. */
  readonly input: string;
  /** Resolves when `count` runs in all have begun. */
  begun(count: number): Promise<void>;
  /** Lets all runs end, those under way and later ones. */
  open(): void;
}

/** Tasks that begin and end when the test says so, in whichever process they run. */
export async function makeGate(t: Test, directory: string): Promise<Gate> {
  const held: ServerResponse[] = [];
  let opened = false;
  let runs = 0;
  let wake: () => void = () => undefined;
  const server = createServer((_request, response) => {
    runs++;
    wake();
    if (opened) response.end('go');
    else held.push(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const open = () => {
    opened = true;
    for (const response of held.splice(0)) response.end('go');
  };
  t.teardown(async () => {
    open();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const input = { function: 'hold', input: null };
  const handlers = join(directory, `gate-${String(port)}.mjs`);
  await writeFile(
    handlers,
    `export const functions = {
      hold: async (input, { signal }) => (await fetch('http://127.0.0.1:${String(port)}/', { signal })).text(),
    };`,
  );
  return {
    handlers,
    task: { kind: 'compute', input },
    input: JSON.stringify(input),
    begun: async (count) => {
      while (runs < count) await new Promise<void>((resolve) => (wake = resolve));
    },
    open,
  };
}
