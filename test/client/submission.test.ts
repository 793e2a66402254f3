import t from 'tap';
import { Submission } from '../../src/client/submission.js';
import type { SubmittedTask } from '../../src/client/client-options.js';
import type { MessageOf } from '../../src/protocol/messages.js';
import { encodeValue } from '../../src/protocol/value.js';

const completed: MessageOf<'TaskUpdate'> = {
  type: 'TaskUpdate',
  requestId: 1,
  task: {
    taskId: 't1',
    kind: 'compute',
    state: 'completed',
    priority: 5,
    agentId: 'agent-1',
    attempts: 1,
    submittedAt: 1,
    queuedMs: 2,
    runMs: 3,
    error: null,
    progress: null,
  },
};

/** A submission whose task is accepted, and the task. */
async function accepted(): Promise<{ submission: Submission; task: SubmittedTask }> {
  const submissions: Submission[] = [];
  const submitted = new Promise<SubmittedTask>((resolve, reject) => {
    submissions.push(new Submission(resolve, reject, null));
  });
  const [submission] = submissions;
  if (submission === undefined) throw new Error('no submission');
  if (!submission.accepted('t1')) throw new Error('its outcome is waited for');
  return { submission, task: await submitted };
}

t.test('the outcome may be asked for before it is there, after, and any number of times', async (t) => {
  for (const early of [true, false]) {
    const { submission, task } = await accepted();
    const asked = early ? [task.result(), task.result()] : [];
    submission.answered(completed, encodeValue([1]));
    for (const outcome of await Promise.all([...asked, task.result(), task.result()]))
      t.match(outcome, { taskId: 't1', state: 'completed', result: [1] });
    t.equal(task.result(), task.result());
  }
});

t.test('an outcome that cannot be read or does not come rejects, and only those who ask', async (t) => {
  const endings = [
    (submission: Submission) => submission.failed(new RangeError('gone')),
    (submission: Submission) => submission.answered(completed, Uint8Array.of(0xc1)),
  ];
  for (const end of endings) {
    const { submission, task } = await accepted();
    end(submission);
    // a rejection that nobody looks at would end the process here
    await new Promise(setImmediate);
    await t.rejects(task.result());
    await t.rejects(task.result());
  }
});

t.test('a submit whose outcome is not sent is over when its task is accepted', async (t) => {
  const watched: string[] = [];
  const task = await new Promise<SubmittedTask>((resolve, reject) => {
    const submission = new Submission(resolve, reject, (taskId) => {
      watched.push(taskId);
      return Promise.reject(new RangeError('gone'));
    });
    t.equal(submission.accepted('t1'), false);
  });
  t.same(watched, []);
  await t.rejects(task.result(), /gone/);
  t.same(watched, ['t1']);
});
