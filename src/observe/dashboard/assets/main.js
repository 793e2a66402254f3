import { AgentsView } from './agents-view.js';
import { read } from './api.js';
import { Charts } from './charts.js';
import { CoordinatorClock } from './coordinator-clock.js';
import { DeadLetters } from './dead-letters.js';
import { byId, oncePerFrame, setText, setTone } from './dom.js';
import { duration } from './format.js';
import { followEvents, poll } from './live.js';
import { Overview } from './overview.js';
import { Rates } from './rates.js';
import { ReasoningView } from './reasoning-view.js';
import { TaskActions } from './task-actions.js';
import { TaskDialog } from './task-dialog.js';
import { TasksView } from './tasks-view.js';

/** @import { AgentSummary, Status } from './types.js' */

/** Reports say how things stand; events say at once what changes until the next report. */

const rates = new Rates();
const charts = new Charts();
const overview = new Overview(
  byId('tiles', HTMLElement),
  byId('states', HTMLElement),
  byId('queue', HTMLElement),
);
const agentsView = new AgentsView();
const actions = new TaskActions(() => refreshAll());
const dialog = new TaskDialog(actions);
const tasksView = new TasksView(
  (task) => void dialog.open(task),
  () => void tasks.now(),
);
const deadLetters = new DeadLetters(actions, (task) => void dialog.open(task));
const reasoningView = new ReasoningView();

const live = byId('live', HTMLElement);
const notice = byId('notice', HTMLElement);
const identity = byId('identity', HTMLElement);
let streaming = false;
let reachable = true;
const clock = new CoordinatorClock();

const status = poll(reporting(readStatus), 1_000);
const agents = poll(reporting(readAgents), 2_000);
const tasks = poll(
  reporting(() => tasksView.refresh()),
  2_000,
);
const dead = poll(
  reporting(() => deadLetters.refresh()),
  10_000,
);
const reasoning = poll(
  reporting(() => reasoningView.refresh()),
  5_000,
);
const openTask = poll(
  reporting(() => dialog.refresh()),
  1_000,
);

function refreshAll() {
  for (const report of [status, agents, tasks, dead, reasoning, openTask]) report.soon();
}

const drawTasks = oncePerFrame(() => tasksView.draw());
followEvents({
  onEvent: (event) => {
    clock.hear(event.at);
    if (event.event.startsWith('agent-')) {
      agents.soon();
      status.soon();
      return;
    }
    rates.apply(event);
    if (tasksView.apply(event)) drawTasks();
    if (event.event === 'task-dead' || event.event === 'task-retried') dead.soon();
  },
  onLost: refreshAll,
  onConnection: (open) => {
    if (open && !streaming) refreshAll();
    streaming = open;
    showConnection();
  },
});

// the status says what time it is by the coordinator's clock
const statusAndAgents = status.now().then(() => agents.now());
void Promise.all([statusAndAgents, tasks.now(), dead.now(), reasoning.now(), openTask.now()]);
setInterval(() => {
  if (document.hidden) return;
  const now = clock.now();
  charts.draw(rates, now);
  overview.showRates(rates.recent(now, 10));
}, 1_000);

async function readStatus() {
  /** @type {Status} */
  const report = await read('/api/status');
  overview.showStatus(report);
  tasksView.showStatus(report);
  const { coordinatorId, version, startedAt, now, draining } = report;
  if (now !== undefined) clock.hear(now);
  const up = duration(Math.max(1000, clock.now() - startedAt));
  setText(identity, `${coordinatorId} · version ${version} · up ${up}`);
  notice.hidden = !draining;
  setText(notice, draining ? 'The coordinator is draining: it takes no new tasks.' : '');
}

async function readAgents() {
  /** @type {readonly AgentSummary[]} */
  const report = await read('/api/agents');
  overview.showAgents(report);
  agentsView.show(report, clock.now());
}

/**
 * Says in the page whether the coordinator answers.
 * @param {() => Promise<void>} ask
 */
function reporting(ask) {
  return async () => {
    try {
      await ask();
      reachable = true;
    } catch (error) {
      reachable = !(error instanceof TypeError || error instanceof DOMException);
    }
    showConnection();
  };
}

function showConnection() {
  setText(live, !reachable ? 'out of reach' : streaming ? 'live' : 'reconnecting');
  setTone(live, !reachable ? 'bad' : streaming ? 'good' : 'warn');
}
