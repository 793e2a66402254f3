import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ROLES } from '../protocol/roles.js';
import { type CertificateDescription, describeCertificate } from './certificates/describe.js';
import {
  type CertificatesDirectory,
  ensureCertificates,
  makeClientCertificate,
  renewCertificates,
} from './certificates/directory.js';
import { readCertificates } from './certificates/pem.js';
import { UsageError } from './exit.js';
import { fileProblem } from './one-line.js';
import { certsDirOption, sanOption } from './options/certificate-options.js';
import { AGENT_NUMBER, agentId } from './options/identity.js';
import { addOptions, readOptions } from './options/options.js';
import { jsonOption } from './options/output-options.js';
import { readArgument } from './options/read-argument.js';
import { choice } from './options/choice.js';
import { flag, value } from './options/spec.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { addExample } from './program.js';

const initOptions = {
  ...certsDirOption,
  ...sanOption,
  force: flag({ help: 'replace the server certificate; the CA stays while it is valid' }),
  ...jsonOption,
} as const;

const agentCommandOptions = {
  ...certsDirOption,
  force: flag({ help: 'replace the certificate that this ID has' }),
  ...jsonOption,
} as const;

const showOptions = { ...certsDirOption, ...jsonOption } as const;

const clientCommandOptions = {
  ...agentCommandOptions,
  role: value({
    placeholder: 'ROLE',
    parse: choice(ROLES),
    default: 'client',
    help: `what its holder may be: ${ROLES.join(', ')}`,
  }),
} as const;

/** Adds `certs init`, `certs agent ID`, `certs client NAME` and `certs show` to a program. */
export function registerCertsCommand(program: Command): Command {
  const certs = program.command('certs').description('make and show certificates').helpCommand(false);
  addInit(certs);
  addAgent(certs);
  addClient(certs);
  addShow(certs);
  return certs;
}

function addInit(certs: Command): void {
  const command = certs.command('init').description('make a CA and a server certificate');
  addOptions(command, initOptions);
  addExample(command, 'swarm-coordinator certs init --san coordinator.example --san 10.0.0.5');
  command.action(async () => {
    const { certs: directory, san, force, json } = await readOptions(command, initOptions);
    const now = new Date();
    const make = force ? renewCertificates : ensureCertificates;
    const done = await make({ directory, san, now });
    await report(done, json, describeFiles(directory, ['ca.crt', 'server.crt'], now));
  });
}

function addAgent(certs: Command): void {
  const command = certs
    .command('agent')
    .description('make a client certificate for an agent or an operator, for --cert and --key')
    .argument('<ID>', 'id of the agent, or name of the operator');
  addOptions(command, agentCommandOptions);
  addExample(command, 'swarm-coordinator certs init && swarm-coordinator certs agent agent-1');
  command.action(async (id: string) => {
    const { certs: directory, force, json } = await readOptions(command, agentCommandOptions);
    const now = new Date();
    const name = readArgument('ID', id, agentId);
    if (name.includes(AGENT_NUMBER)) throw new UsageError(`ID: '${name}' stands for many: name one agent`);
    const done = await makeClientCertificate({ directory, id: name, now, force });
    await report(done, json, describeFiles(directory, [`${name}.crt`], now));
  });
}

function addClient(certs: Command): void {
  const command = certs
    .command('client')
    .description('make a client certificate that grants one role and no other')
    .argument('<NAME>', 'name of the program or person');
  addOptions(command, clientCommandOptions);
  addExample(command, 'swarm-coordinator certs init && swarm-coordinator certs client alice --role operator');
  command.action(async (given: string) => {
    const { certs: directory, force, json, role } = await readOptions(command, clientCommandOptions);
    const now = new Date();
    const id = readArgument('NAME', given, agentId);
    if (id.includes(AGENT_NUMBER)) throw new UsageError(`NAME: '${id}' stands for many: name one`);
    const done = await makeClientCertificate({ directory, id, now, force, role });
    await report(done, json, describeFiles(directory, [`${id}.crt`], now));
  });
}

function addShow(certs: Command): void {
  const command = certs
    .command('show')
    .description('print subject, names, validity and fingerprint of each certificate');
  addOptions(command, showOptions);
  addExample(command, 'swarm-coordinator certs init && swarm-coordinator certs show');
  command.action(async () => {
    const { certs: directory, json } = await readOptions(command, showOptions);
    const certificates = describeFiles(directory, certificateFiles(directory), new Date());
    const output = new Output();
    if (json) await writeJson(output, { directory, certificates });
    else await output.write(certificates.map(formatDescription).join('\n'));
  });
}

async function report(
  { directory, made, warnings }: CertificatesDirectory,
  json: boolean,
  certificates: readonly CertificateDescription[],
): Promise<void> {
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const output = new Output();
  if (json) return writeJson(output, { directory, made, certificates });
  const summary =
    made.length === 0
      ? `${directory}: all there, nothing made (--force makes a new server certificate)\n`
      : made.map((name) => `made ${join(directory, name)}\n`).join('');
  await output.write(`${summary}\n${certificates.map(formatDescription).join('\n')}`);
}

function certificateFiles(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory)
      .filter((name) => name.endsWith('.crt'))
      .sort();
  } catch (error) {
    throw new UsageError(`--certs: ${directory}: ${fileProblem(error)}`, { cause: error });
  }
  if (names.length > 0) return names;
  throw new UsageError(
    `--certs: ${directory}: holds no certificate: make them with: swarm-coordinator certs init --certs ${directory}`,
  );
}

function describeFiles(directory: string, names: readonly string[], now: Date): CertificateDescription[] {
  return names.map((name) =>
    describeCertificate(name, readCertificates('--certs', join(directory, name)).certificates[0], now),
  );
}

function formatDescription(certificate: CertificateDescription): string {
  const left = certificate.daysLeft < 0 ? 'expired' : `${certificate.daysLeft} days left`;
  return [
    certificate.file,
    `  subject      ${certificate.subject}${certificate.authority ? ' (authority)' : ''}`,
    `  issuer       ${certificate.issuer}`,
    ...(certificate.san.length === 0 ? [] : [`  names        ${certificate.san.join(', ')}`]),
    `  valid        ${certificate.validFrom.slice(0, 10)} to ${certificate.validTo.slice(0, 10)} (${left})`,
    `  fingerprint  ${certificate.fingerprint}`,
    '',
  ].join('\n');
}
