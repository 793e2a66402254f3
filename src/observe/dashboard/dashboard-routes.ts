import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Route } from '../http/routes.js';

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

/** All files of the page: nothing else of the disk can be asked for. */
const FILES = [
  'style.css',
  'icon.svg',
  'main.js',
  'agents-view.js',
  'api.js',
  'charts.js',
  'coordinator-clock.js',
  'dead-letters.js',
  'dom.js',
  'format.js',
  'live.js',
  'overview.js',
  'rates.js',
  'reasoning-view.js',
  'task-actions.js',
  'task-dialog.js',
  'task-list.js',
  'states.js',
  'tasks-view.js',
  'virtual-grid.js',
] as const;

/**
 * The dashboard at `/` and its files under `/dashboard/`. They lie in the package as they are sent, and are read once, when
 * they are first asked for.
 */
export function dashboardRoutes(): Route[] {
  const assets = findAssets(dirname(fileURLToPath(import.meta.url)));
  const resolve = createRequire(import.meta.url).resolve;
  return [
    fileRoute('/', join(assets, 'index.html'), TYPES.html),
    ...FILES.map((name) => fileRoute(`/dashboard/${name}`, join(assets, name), typeOf(name))),
    fileRoute('/dashboard/uplot.js', resolve('uplot/dist/uPlot.esm.js'), TYPES.js),
    fileRoute('/dashboard/uplot.css', resolve('uplot/dist/uPlot.min.css'), TYPES.css),
  ];
}

function fileRoute(path: string, file: string, contentType: string): Route {
  let body: Promise<Buffer> | null = null;
  return {
    method: 'GET',
    path,
    handle: async () => {
      body ??= readFile(file);
      try {
        return { status: 200, contentType, body: await body };
      } catch (error) {
        body = null;
        throw error;
      }
    },
  };
}

function typeOf(name: (typeof FILES)[number]): string {
  if (name.endsWith('.css')) return TYPES.css;
  return name.endsWith('.svg') ? TYPES.svg : TYPES.js;
}

/** The folder of the page, which is not compiled, from the package's root above this file (dist/ or a test build). */
function findAssets(directory: string): string {
  const assets = join(directory, 'src/observe/dashboard/assets');
  if (existsSync(join(assets, 'index.html'))) return assets;
  const parent = dirname(directory);
  if (parent === directory)
    throw new Error('the dashboard is missing: install the package of quic-swarm again');
  return findAssets(parent);
}
