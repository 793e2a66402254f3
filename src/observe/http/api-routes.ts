import { TASK_STATES, type TaskState } from '../../protocol/messages.js';
import type { CoordinatorView, TaskFilterView } from '../coordinator-view.js';
import { authorize } from './authorization.js';
import { EventStreams } from './event-stream.js';
import { HttpError, json, type Reply } from './reply.js';
import { resultView, valueView } from './result-view.js';
import type { HttpRequest, Route } from './routes.js';

export interface ApiOptions {
  readonly view: CoordinatorView;
  /** Allows changes to those who present it; null: nobody may change anything. */
  readonly token: () => string | null;
}

/** What the coordinator knows, as JSON in the words of the commands' `--json`, and what may be changed. */
export function apiRoutes({ view, token }: ApiOptions): Route[] {
  const streams = new EventStreams(view);
  const change = (path: string, run: (taskId: string) => Promise<void>): Route => ({
    method: 'POST',
    path,
    query: ['id'],
    handle: async ({ authorization, query }) => {
      authorize(authorization, token());
      const taskId = taskIdIn(query);
      await run(taskId);
      return json({ taskId, done: true });
    },
  });
  return [
    { method: 'GET', path: '/api/status', handle: async () => json(await view.status()) },
    { method: 'GET', path: '/api/agents', handle: async () => json(await view.agents()) },
    { method: 'GET', path: '/api/reasoning', handle: async () => json(valueView(await view.reasoning())) },
    {
      method: 'GET',
      path: '/api/tasks',
      query: ['state', 'kind', 'limit', 'before'],
      handle: async ({ query }) => json(await view.tasks(filterIn(query))),
    },
    { method: 'GET', path: '/api/task', query: ['id'], handle: (request) => taskReply(view, request) },
    {
      method: 'GET',
      path: '/api/events',
      stream: ({ signal }, { method }, response) => streams.open(response, signal, method !== 'HEAD'),
    },
    change('/api/retry', (taskId) => view.retry(taskId)),
    change('/api/cancel', (taskId) => view.cancel(taskId)),
  ];
}

async function taskReply(view: CoordinatorView, { query }: HttpRequest): Promise<Reply> {
  const { task, history, result } = await view.task(taskIdIn(query));
  return json({ ...task, history, ...resultView(result) });
}

function taskIdIn(query: URLSearchParams): string {
  const taskId = query.get('id') ?? '';
  if (taskId === '') throw new HttpError(400, 'BAD_QUERY', 'the task is missing: ?id=TASK');
  if (!/^[\w-]{1,64}$/.test(taskId)) throw new HttpError(400, 'BAD_QUERY', 'id: is no id of a task');
  return taskId;
}

function filterIn(query: URLSearchParams): TaskFilterView {
  const state = query.get('state');
  const kind = query.get('kind');
  const limit = query.get('limit');
  const before = query.get('before');
  if (state !== null && !isTaskState(state)) {
    throw new HttpError(400, 'BAD_QUERY', `state: is one of ${TASK_STATES.join(', ')}`);
  }
  if (kind !== null && !/^[a-z][a-z0-9-]{0,63}$/.test(kind)) {
    throw new HttpError(400, 'BAD_QUERY', 'kind: is a name of a kind of task, such as compute');
  }
  if (limit !== null && (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > 1000)) {
    throw new HttpError(400, 'BAD_QUERY', 'limit: is a number from 1 to 1000');
  }
  if (before !== null && !/^[\w-]{1,64}$/.test(before)) {
    throw new HttpError(400, 'BAD_QUERY', 'before: is no id of a task');
  }
  return {
    ...(state === null ? {} : { state }),
    ...(kind === null ? {} : { kind }),
    ...(limit === null ? {} : { limit: Number(limit) }),
    ...(before === null ? {} : { before }),
  };
}

function isTaskState(text: string): text is TaskState {
  return (TASK_STATES as readonly string[]).includes(text);
}
