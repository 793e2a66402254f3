import t from 'tap';
import type { CorePorts } from '../../../src/coordinator/core/contract.js';
import { OwnTasks } from '../../../src/coordinator/core/sessions/rights.js';
import { rolesInSubject } from '../../../src/coordinator/shell/certificate-roles.js';
import type { Message } from '../../../src/protocol/messages.js';
import type { Role } from '../../../src/protocol/roles.js';
import { World } from './world.js';

/** A world whose peers have these roles, in the order in which they connect. */
function worldOf(roles: readonly Role[], options: { readonly clientRate?: number } = {}): World {
  const given = [...roles];
  const rolesOf: CorePorts['rolesOf'] = () => {
    const role = given.shift();
    return role === undefined ? [] : [role];
  };
  return new World(options, { rolesOf });
}

const input = new Uint8Array([0xc0]);
const submit = { type: 'SubmitTask', requestId: 1, kind: 'compute', watch: false } as const;

function errorsTo(world: World, connectionId: string): string[] {
  return world.takeType(connectionId, 'ErrorReport').map(({ name }) => name);
}

t.test('what each role may send', (t) => {
  const requests: readonly (readonly [Message, readonly Role[]])[] = [
    [{ type: 'QueryStatus', requestId: 2 }, ['read-only', 'client', 'operator']],
    [{ type: 'QueryAgents', requestId: 2 }, ['read-only', 'client', 'operator']],
    [{ type: 'QueryTasks', requestId: 2 }, ['read-only', 'client', 'operator']],
    [submit, ['client', 'operator']],
    [{ type: 'CancelTask', requestId: 2, taskId: 'nobodys', reason: 'cancelled' }, ['operator']],
    [{ type: 'RetryTask', requestId: 2, taskId: 'nobodys' }, ['operator']],
    [{ type: 'PauseKind', requestId: 2, kind: 'compute' }, ['operator']],
    [{ type: 'ResumeKind', requestId: 2, kind: 'compute' }, ['operator']],
    [{ type: 'DrainCoordinator', requestId: 2 }, ['operator']],
    [{ type: 'DropRecurring', requestId: 2, name: 'daily' }, ['operator']],
    [{ type: 'SetLogLevel', requestId: 2, level: 'debug' }, ['operator']],
    [{ type: 'WatchEvents', requestId: 2, credit: 1 }, ['read-only', 'client', 'operator']],
  ];
  for (const [message, allowed] of requests) {
    for (const role of ['read-only', 'client', 'operator'] as const) {
      const world = worldOf([role]);
      const { connectionId } = world.client();
      world.say(connectionId, message, message.type === 'SubmitTask' ? input : undefined);
      t.equal(
        !errorsTo(world, connectionId).includes('FORBIDDEN'),
        allowed.includes(role),
        `${message.type} ${role}`,
      );
      t.notOk(world.closed.has(connectionId), 'the connection goes on');
      const denied = allowed.includes(role) ? [] : [{ action: message.type, role, outcome: 'FORBIDDEN' }];
      t.match(world.logs('operator action denied'), denied, 'what is denied is audited');
      t.equal(world.logs('operator action denied').length, denied.length);
    }
  }
  t.end();
});

t.test('who may connect as what, and the client is told', (t) => {
  const hello: Message = { type: 'ClientHandshake', protocolVersions: [1], clientId: 'c', software: 'x' };
  for (const role of ['client', 'read-only', 'operator'] as const) {
    const world = worldOf([role]);
    const connectionId = world.connect();
    world.say(connectionId, hello);
    t.match(world.takeType(connectionId, 'ClientAck')[0], { role });
  }
  const world = worldOf(['agent']);
  const connectionId = world.connect();
  world.say(connectionId, hello);
  t.same(errorsTo(world, connectionId), ['FORBIDDEN']);
  t.ok(world.closed.has(connectionId));
  for (const role of ['client', 'read-only'] as const) {
    const world = worldOf([role]);
    const connectionId = world.connect();
    world.say(connectionId, {
      type: 'AgentHandshake',
      protocolVersions: [1],
      agentId: 'a',
      agentType: 'worker',
      kinds: ['compute'],
      concurrency: 1,
      software: 'x',
    });
    t.same(errorsTo(world, connectionId), ['FORBIDDEN'], role);
  }
  t.end();
});

t.test('a client cancels its own tasks, and no others', (t) => {
  const world = worldOf(['client', 'client', 'operator']);
  const [one, other, operator] = [world.connect(), world.connect(), world.connect()];
  for (const [connectionId, clientId] of [
    [one, 'one'],
    [other, 'other'],
    [operator, 'op'],
  ] as const) {
    world.say(connectionId, { type: 'ClientHandshake', protocolVersions: [1], clientId, software: 'x' });
  }
  world.say(one, submit, input);
  world.say(one, { ...submit, requestId: 2 }, input);
  const [first, second] = world.takeType(one, 'MessageAck').flatMap(({ taskIds }) => taskIds);
  if (first === undefined || second === undefined) throw new Error('not submitted');
  const cancel = (taskId: string) =>
    ({ type: 'CancelTask', requestId: 9, taskId, reason: 'cancelled' }) as const;
  world.say(other, cancel(first));
  t.same(errorsTo(world, other), ['FORBIDDEN']);
  t.equal(world.core.state.tasks.get(first)?.phase.state, 'queued', 'nothing has changed');
  world.say(one, cancel(first));
  t.same(errorsTo(world, one), []);
  t.equal(world.core.state.tasks.get(first)?.phase.state, 'cancelled');
  world.say(operator, cancel(second));
  t.equal(world.core.state.tasks.get(second)?.phase.state, 'cancelled');

  const denied = { audit: true, action: 'CancelTask', taskId: first, clientId: 'other', role: 'client' };
  t.match(world.logs('operator action denied'), [{ ...denied, outcome: 'FORBIDDEN' }]);
  t.match(world.logs('operator action'), [
    { audit: true, action: 'CancelTask', taskId: first, clientId: 'one', role: 'client', outcome: 'done' },
    { audit: true, action: 'CancelTask', taskId: second, clientId: 'op', role: 'operator', outcome: 'done' },
  ]);
  t.end();
});

t.test('the audit tells the outcome, also when nobody hears it', (t) => {
  const world = worldOf(['operator', 'operator']);
  const { connectionId } = world.client();
  world.say(connectionId, { type: 'RetryTask', requestId: 5, taskId: 'unknown' });
  t.match(world.logs('operator action'), [
    { action: 'RetryTask', taskId: 'unknown', outcome: 'UNKNOWN_TASK' },
  ]);
  world.say(connectionId, { type: 'QueryStatus', requestId: 6 });
  t.equal(world.logs('operator action').length, 1, 'questions are not audited');
  t.end();
});

t.test('the audit names what an action was about', (t) => {
  const world = new World({ logLevelMayChange: true, clientsMayStop: true });
  const { connectionId } = world.client();
  const daily = { name: 'daily', cron: '@daily', timeZone: 'UTC', kind: 'compute' };
  const actions: readonly (readonly [Message, object])[] = [
    [{ type: 'PauseKind', requestId: 1, kind: 'compute' }, { kind: 'compute' }],
    [{ type: 'ResumeKind', requestId: 2, kind: 'compute' }, { kind: 'compute' }],
    [
      { type: 'AddRecurring', requestId: 3, ...daily },
      { schedule: 'daily', kind: 'compute' },
    ],
    [{ type: 'DropRecurring', requestId: 4, name: 'daily' }, { schedule: 'daily' }],
    [{ type: 'SetLogLevel', requestId: 5, level: 'debug' }, { logLevel: 'debug' }],
    [{ type: 'DrainCoordinator', requestId: 6 }, {}],
  ];
  for (const [message] of actions) world.say(connectionId, message, input);
  const who = { audit: true, clientId: 'cli', certificate: null, role: 'operator', address: String };
  t.match(
    world.logs('operator action'),
    actions.map(([{ type: action }, subject]) => ({ ...who, action, ...subject, outcome: 'done' })),
  );
  t.end();
});

t.test('an operator does not hide what it does behind the id of another request', (t) => {
  const world = worldOf(['operator']);
  const { connectionId } = world.client();
  world.autoCommit = false;
  world.say(connectionId, { type: 'PauseKind', requestId: 5, kind: 'compute' });
  world.say(connectionId, { type: 'ResumeKind', requestId: 5, kind: 'compute' });
  while (world.waiting !== null) world.commit();
  const audited = world.logs('operator action').map(({ action }) => action);
  t.same(audited.sort(), ['PauseKind', 'ResumeKind']);
  t.ok(world.core.state.audit.idle);
  t.end();
});

t.test('the submits remembered are bounded', (t) => {
  const own = new OwnTasks();
  for (let i = 0; i <= 100_000; i++) own.add(`t${String(i)}`, 'a');
  t.notOk(own.has('t0', 'a'));
  t.ok(own.has('t1', 'a'));
  t.ok(own.has('t100000', 'a'));
  t.notOk(own.has('t100000', 'b'));
  t.end();
});

t.test('requests over the rate are refused with a time, and taken after it', (t) => {
  const world = worldOf(['operator'], { clientRate: 2 });
  const { connectionId } = world.client();
  const ask = (requestId: number) => world.say(connectionId, { type: 'QueryStatus', requestId });
  for (const requestId of [1, 2, 3]) ask(requestId);
  t.equal(world.takeType(connectionId, 'StatusReport').length, 2);
  const [refusal] = world.takeType(connectionId, 'ErrorReport');
  t.match(refusal, { name: 'TOO_MANY_REQUESTS', requestId: 3, retryAfterMs: 500 });
  world.now += 500;
  ask(4);
  t.equal(world.takeType(connectionId, 'StatusReport').length, 1);
  t.end();
});

t.test(
  'a client with many requests under way is not cut off for its rate; one that never listens is',
  (t) => {
    const world = worldOf(['operator'], { clientRate: 1 });
    const { connectionId } = world.client();
    const ask = () => world.say(connectionId, { type: 'QueryStatus', requestId: 1 });
    for (let i = 0; i < 2_000; i++) ask();
    t.notOk(world.closed.has(connectionId));
    world.now += 1_000;
    ask();
    for (let i = 0; i < 10_000; i++) ask();
    t.notOk(world.closed.has(connectionId));
    ask();
    t.match(world.closed.get(connectionId), { error: 'TOO_MANY_ERRORS' });
    t.end();
  },
);

t.test('roles in the subject of a certificate', (t) => {
  t.equal(rolesInSubject('CN=alice'), null);
  t.same(rolesInSubject('CN=alice\nOU=swarm-role-operator'), ['operator']);
  t.same(rolesInSubject('OU=people\nOU=swarm-role-read-only\nCN=x'), ['read-only']);
  t.same(rolesInSubject('CN=x\nOU=swarm-role-root'), [], 'a role that does not exist grants nothing');
  t.equal(rolesInSubject('CN=x OU=swarm-role-operator'), null, 'only an attribute of its own counts');
  t.end();
});
