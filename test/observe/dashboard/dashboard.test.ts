import { request } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { coordinatorRoutes } from '../../../src/observe/http/coordinator-routes.js';
import { startHttpServer } from '../../../src/observe/http/server.js';
import { TASK_STATES } from '../../../src/protocol/messages.js';
import { startSwarm } from '../../support/cli.js';
import { complaintsOf, launchBrowser, noBrowser, overflowOf, seriousFaults } from './browser.js';
import { BusyView, idOf } from './busy-view.js';

const TOKEN = 'a-token-for-changes';
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };

void t.test('the dashboard in a browser', { skip: noBrowser }, async (t) => {
  const browser = await launchBrowser();
  t.teardown(() => browser.close());

  const httpToken = await tokenFile(t);
  await t.test('shows a running swarm and changes it', async (t) => {
    const swarm = await startSwarm(t, [
      '--http', '127.0.0.1:0', '--http-token-file', httpToken, '--heartbeat-interval', '300ms',
      '--keep-alive', '300ms', '--session-grace', '1s',
    ]); // prettier-ignore
    const ready = await swarm.coordinator.line('ready');
    const url = `http://${String(ready['http'])}/`;
    await swarm.agent('agent-1', ['--type', 'pattern', '--concurrency', '2']);
    const doomed = await swarm.agent('agent-2', ['--concurrency', '2']);
    const { page, complaints } = await open(t, browser, url);

    const batch = Array.from({ length: 20 }, (_, input) => ({
      kind: 'compute',
      input: { function: 'echo', input },
    }));
    const lines = batch.map((task) => `${JSON.stringify(task)}\n`).join('');
    t.equal((await swarm.run(['submit', '--batch', '-', '--wait', '--json'], lines)).status, 0);
    const dead = await swarm.run(
      ['submit', 'compute', '--input', '-', '--attempts', '1', '--timeout', '100ms', '--wait', '--json'],
      '{"function": "sleep", "input": 60000}',
    );
    t.equal(dead.status, 1);
    const lost = JSON.parse(dead.stdout) as { taskId: string; state: string };
    const later = ['submit', 'compute', '--input', '-', '--delay', '1h'];
    t.equal((await swarm.run(later, '{"function": "echo", "input": 1}')).status, 0);

    await page.locator('#agents .grid-row', { hasText: 'agent-2' }).waitFor();
    const { tasks } = JSON.parse((await swarm.run(['status', '--json'])).stdout) as {
      tasks: Record<string, number>;
    };
    t.match(tasks, { completed: 20, dead: 1, delayed: 1 });
    // nothing changes any more, so the page comes to show the same
    for (const state of TASK_STATES) {
      const exactly = new RegExp(`^${String(tasks[state] ?? 0)}$`);
      await page.locator(`#states [data-state="${state}"]`, { hasText: exactly }).waitFor();
    }
    t.equal(await page.locator('#states dd').count(), TASK_STATES.length);
    await page.locator('[data-tile="agents"] .value', { hasText: /^2$/ }).waitFor();

    t.test('a dead letter goes back into the queue', async (t) => {
      t.equal(lost.state, 'dead');
      const letter = page.locator(`[data-task="${lost.taskId}"]`);
      await letter.getByRole('button', { name: /^Retry/ }).click();
      await page.locator('#token-input').fill('a-wrong-one');
      await page.getByRole('button', { name: 'Use this token' }).click();
      await page.locator('#token-problem', { hasText: 'wrong' }).waitFor();
      await page.locator('#token-input').fill(TOKEN);
      await page.getByRole('button', { name: 'Use this token' }).click();
      await page.locator('#toasts', { hasText: 'queued again' }).waitFor();
      const { stdout } = await swarm.run(['task', lost.taskId, '--json']);
      const { history } = JSON.parse(stdout) as { history: { event: string }[] };
      t.ok(history.some(({ event }) => event === 'retry'), 'the task was retried'); // prettier-ignore
    });

    t.test('an agent that dies turns suspect or disconnected, and then is gone', async () => {
      const row = page.locator('#agents .grid-row', { hasText: 'agent-2' });
      doomed.kill('SIGKILL');
      await row.filter({ hasText: /suspect|disconnected/ }).waitFor();
      await row.waitFor({ state: 'hidden' });
    });

    t.test('a request for another host is refused', async (t) => {
      t.equal(await statusFor(url, 'evil.example'), 421);
      t.equal(await statusFor(url, new URL(url).host), 200);
    });

    t.test('nothing in the browser complains', async (t) => {
      // the wrong token above
      const unexpected = complaints.filter((line) => !/\b401\b.*\/api\/retry/.test(line));
      t.same(unexpected, []);
    });
  });

  await t.test('keeps a large swarm in hand', async (t) => {
    const now = Date.now();
    const view = new BusyView(1_000, 10_000, now);
    const url = await serve(t, view);

    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [375, 1440]) {
        t.test(`${colorScheme}, ${width} pixels wide`, async (t) => {
          const { page, complaints } = await open(t, browser, url, { colorScheme, width });
          await page.locator('#tasks .grid-row').first().waitFor();
          await page.locator('#agents .grid-row', { hasText: 'agent-3' }).first().waitFor();
          t.equal(await overflowOf(page), 0);
          t.same(await seriousFaults(page), []);
          const paint = await page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0].startTime",
          );
          t.ok(Number(paint) < 1_000, `first paint after ${String(paint)} ms`);
          t.match(await page.locator('#reasoning').innerText(), /12 experiences[^]*agent-3[^]*75/);
          t.same(complaints, []);
        });
      }
    }

    t.test('all tasks can be scrolled to, with few rows in the page', async (t) => {
      const { page } = await open(t, browser, url);
      await page.locator('#tasks .grid-row').first().waitFor();
      const grid = page.locator('#tasks [role=grid]');
      await grid.focus();
      // End goes to the last that is known, which brings older ones
      for (const known of [1_200, 2_200, 3_200, 4_200, 5_200, 6_200, 7_200, 8_200, 9_200, 10_000]) {
        await page.keyboard.press('End');
        await page.locator(`#tasks [role=grid][aria-rowcount="${known + 1}"]`).waitFor();
      }
      await page.keyboard.press('End');
      await page.locator('#tasks .grid-row[aria-rowindex="10001"][aria-selected=true]').waitFor();
      t.ok((await page.locator('#tasks .grid-row').count()) < 60);
      t.ok((await page.locator('#agents .grid-row').count()) < 60);
      await page.keyboard.press('Enter');
      await page.locator('#task-dialog', { hasText: idOf(0) }).waitFor();
      await page.keyboard.press('Escape');

      const why = page.locator('#tasks .grid-row', { hasText: 'all agents that take this kind are busy' });
      await page.locator('#tasks-state').selectOption('queued');
      await why.first().waitFor();
      await page.waitForFunction(
        "![...document.querySelectorAll('#tasks .grid-row')].some((row) => row.checkVisibility() && row.textContent.includes('completed'))",
      );
      t.pass('no other state is left');
    });

    t.test('a flood of events leaves a bounded list, and shows as throughput', async (t) => {
      const { page } = await open(t, browser, url);
      await page.locator('#live', { hasText: 'live' }).waitFor();
      await page.locator('#tasks .grid-row').first().waitFor();
      const at = Date.now() - 1_000;
      for (let batch = 0; batch < 30; batch++) {
        const ids = Array.from({ length: 500 }, (_, i) => idOf(100_000 + batch * 500 + i));
        const same = { kind: 'compute', priority: 5 };
        view.tell(ids.map((taskId) => ({ event: 'task-submitted', at, taskId, ...same })));
        view.tell(
          ids.map((taskId) => ({
            event: 'task-completed',
            at: at + 40,
            taskId,
            ...same,
            attempt: 1,
            agentId: 'agent-1',
          })),
        );
        await page.evaluate('new Promise(requestAnimationFrame)');
      }
      await page.locator('[data-tile="rate"] .value', { hasText: /^[1-9]/ }).waitFor();
      await page.locator('[data-tile="latency"] .value', { hasText: '40 ms' }).waitFor();
      const rows = Number(await page.locator('#tasks [role=grid]').getAttribute('aria-rowcount'));
      t.ok(rows <= 10_001, `${rows} rows`);
    });

    t.test('a coordinator whose clock is hours behind has its ages and throughput shown', async (t) => {
      const at = Date.now() - 3 * 3_600_000;
      const behind = new BusyView(10, 10, at);
      const { page } = await open(t, browser, await serve(t, behind));
      await page.locator('#live', { hasText: 'live' }).waitFor();
      await page.locator('#identity', { hasText: 'up 2 min' }).waitFor();
      const heard = await page.locator('#agents .grid-row', { hasText: 'agent-5' }).textContent();
      t.match(heard, /\D\d(\.\d)? s ago/);
      behind.tell([
        { event: 'task-completed', at: at - 1_000, taskId: idOf(200_000), kind: 'compute', priority: 5 },
        { event: 'task-submitted', at, taskId: idOf(200_001), kind: 'compute', priority: 5 },
      ]);
      await page.locator('[data-tile="rate"] .value', { hasText: '0.1' }).waitFor();
    });

    t.test('what nobody looks at is not remembered for longer', async (t) => {
      const { page } = await open(t, browser, url);
      const seconds = await page.evaluate(`(async () => {
        const { Rates } = await import('/dashboard/rates.js');
        const rates = new Rates();
        for (let second = 0; second < 10_000; second++)
          rates.apply({ event: 'task-completed', at: second * 1000, taskId: 'x' });
        return rates.size;
      })()`);
      t.ok(Number(seconds) <= 181, `${String(seconds)} seconds`);
    });

    t.test('older tasks that cannot be read are not asked for in a loop', async (t) => {
      const { page } = await open(t, browser, url);
      await page.locator('#tasks .grid-row').first().waitFor();
      let asked = 0;
      await page.route(/before=/, (route) => {
        asked++;
        return route.abort();
      });
      const failed = page.waitForEvent('requestfailed');
      await page.locator('#tasks [role=grid]').focus();
      await page.keyboard.press('End');
      await failed;
      for (let frame = 0; frame < 30; frame++) await page.evaluate('new Promise(requestAnimationFrame)');
      t.ok(asked <= 5, `asked ${asked} times`);
    });
  });
});

async function open(
  t: Test,
  browser: Browser,
  url: string,
  { width = 1440, colorScheme = 'light' }: { width?: number; colorScheme?: 'light' | 'dark' } = {},
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  t.teardown(() => page.close());
  page.setDefaultTimeout(20_000);
  const complaints = complaintsOf(page);
  await page.goto(url);
  return { page, complaints };
}

/** Where the page of a view is. */
async function serve(t: Test, view: BusyView): Promise<string> {
  const routes = coordinatorRoutes({ view, token: () => null });
  const server = await startHttpServer({ host: '127.0.0.1', port: 0, routes, log: silent });
  t.teardown(() => server.close());
  return `http://${server.address}/`;
}

async function tokenFile(t: Test): Promise<string> {
  const file = join(t.testdir(), 'http-token');
  await writeFile(file, `${TOKEN}\n`, { mode: 0o600 });
  return file;
}

/** Status of the page when it is asked for under the name of `host`. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { host } }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
    });
    asked.once('error', reject).end();
  });
}

function ignore(): void {
  // nobody reads the log of this server
}
