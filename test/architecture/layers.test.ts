import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { PACKAGE_ROOT } from '../../scripts/lib/daemons.js';

const SRC = join(PACKAGE_ROOT, 'src');

/** Which layers each layer may import from, beside itself: only those below it. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  collections: [],
  files: [],
  numeric: ['collections'],
  transport: ['numeric'],
  protocol: ['transport'],
  tasks: ['protocol', 'numeric', 'collections'],
  reasoning: ['protocol', 'numeric', 'collections'],
  store: ['protocol', 'files'],
  observe: ['protocol'],
  coordinator: ['tasks', 'reasoning', 'store', 'observe', 'protocol', 'transport', 'numeric', 'collections'],
  agent: ['tasks', 'reasoning', 'store', 'observe', 'protocol', 'transport', 'files', 'collections'],
  client: ['tasks', 'reasoning', 'store', 'observe', 'protocol', 'transport', 'collections'],
  commands: [
    'coordinator',
    'agent',
    'client',
    'tasks',
    'reasoning',
    'store',
    'observe',
    'protocol',
    'transport',
    'numeric',
    'collections',
    'files',
  ],
};

/** The layers above know the transport by its interface only. */
const TRANSPORT_INTERFACE = 'transport/transport';

interface Import {
  readonly from: string;
  readonly to: string;
}

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

/** Paths below src/, without extension; packages keep their name. */
function importsOf(file: string): Import[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
  const from = relative(SRC, file).replace(/\.d\.ts$|\.ts$/, '');
  return importedFiles.map(({ fileName }) => ({
    from,
    to: fileName.startsWith('.')
      ? relative(SRC, resolve(dirname(file), fileName)).replace(/\.js$/, '')
      : fileName,
  }));
}

const imports = sources(SRC).flatMap(importsOf);
const layerOf = (path: string) => path.split('/')[0] ?? '';
const show = (found: readonly Import[]) => found.map(({ from, to }) => `${from} -> ${to}`);

t.test('imports point down the layers, never up or sideways', async (t) => {
  t.ok(imports.length > 500, 'the imports were found');
  const wrong = imports.filter(({ from, to }) => {
    const layer = layerOf(from);
    const below = BELOW[layer];
    const target = layerOf(to);
    if (below === undefined || !(target in BELOW) || target === layer) return false;
    return !below.includes(target);
  });
  t.same(show(wrong), []);
});

t.test('every folder of src is a layer', async (t) => {
  const folders = readdirSync(SRC, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  t.same(
    folders.filter((name) => !(name in BELOW)),
    [],
  );
});

t.test('coordinator, agent and client know the transport by its interface only', async (t) => {
  const wrong = imports.filter(
    ({ from, to }) =>
      ['coordinator', 'agent', 'client', 'protocol'].includes(layerOf(from)) &&
      layerOf(to) === 'transport' &&
      to !== TRANSPORT_INTERFACE,
  );
  t.same(show(wrong), []);
});

t.test('one file touches the native QUIC object', async (t) => {
  const users = imports.filter(({ to }) => to.startsWith('@matrixai/quic')).map(({ from }) => from);
  t.same([...new Set(users)], ['transport/native']);
});

/** Plain code: no clock, socket, file, timer or random source of its own. */
const CORES =
  /^((reasoning|numeric|collections)\/|coordinator\/core\/|agent\/((link|work)-core|hand-over|incoming)$|client\/(dial-core|requests)$)/;

t.test('pure cores import no clock, socket, file or timer', async (t) => {
  const wrong = imports.filter(
    ({ from, to }) => CORES.test(from) && to.startsWith('node:') && to !== 'node:crypto',
  );
  t.same(show(wrong), []);
  const impure = sources(SRC)
    .filter((file) => CORES.test(relative(SRC, file).replace(/\.ts$/, '')))
    .filter((file) =>
      /\b(Date\.now|Math\.random|performance\.now|setTimeout|setImmediate|setInterval)\(/.test(
        readFileSync(file, 'utf8'),
      ),
    );
  t.same(impure, []);
});

t.test('the core of the coordinator knows nothing of its shell', async (t) => {
  const wrong = imports.filter(
    ({ from, to }) =>
      from.startsWith('coordinator/core/') &&
      (to.startsWith('coordinator/shell/') || to === 'coordinator/coordinator'),
  );
  t.same(show(wrong), []);
});
