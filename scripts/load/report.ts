import { table } from '../bench/lib/table.js';

export interface ProcessReport {
  readonly name: string;
  readonly pid: number;
  /** Cores in use while nothing was to be done; null when that was not measured. */
  readonly idleCores: number | null;
  /** Cores in use under load. */
  readonly loadCores: number | null;
  /** Since its start. */
  readonly cpuSeconds: number;
  /** Resident memory with all agents registered, before the load. */
  readonly idleBytes: number;
  /** After the load. */
  readonly residentBytes: number;
  readonly peakBytes: number;
  readonly handles: number;
}

/** What `--json` prints. Latencies are counted from the moment at which a task was due. */
export interface LoadReport {
  readonly agents: number;
  /** From the start of the agents' processes. */
  readonly agentsRegisteredMs: number;
  readonly agentsAtTheEnd: number;
  readonly tasks: number;
  readonly completed: number;
  readonly failed: number;
  readonly errors: Readonly<Record<string, number>>;
  /** What grew under load beyond `--max-growth`, in words. */
  readonly growth: readonly string[];
  readonly seconds: number;
  readonly targetPerSecond: number;
  readonly throughputPerSecond: number;
  readonly latencyMs: {
    readonly p50: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
  };
  /** Growth of the coordinator's resident memory from none to all agents, before the load. */
  readonly coordinatorBytesPerIdleAgent: number;
  readonly processes: readonly ProcessReport[];
}

export function printReport(report: LoadReport, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${asText(report)}\n`);
}

function asText(report: LoadReport): string {
  const { latencyMs } = report;
  const facts = table([
    ['agents registered', `${report.agents} in ${(report.agentsRegisteredMs / 1000).toFixed(2)} s`],
    ['agents at the end', String(report.agentsAtTheEnd)],
    ['tasks completed', `${report.completed} of ${report.tasks}`],
    ['errors', String(report.failed)],
    ['throughput', `${report.throughputPerSecond.toFixed(0)}/s of ${report.targetPerSecond}/s`],
    ['latency p50', `${latencyMs.p50.toFixed(2)} ms`],
    ['latency p99', `${latencyMs.p99.toFixed(2)} ms`],
    ['latency p99.9', `${latencyMs.p999.toFixed(2)} ms`],
    ['latency max', `${latencyMs.max.toFixed(2)} ms`],
    ['coordinator memory for each idle agent', kilobytes(report.coordinatorBytesPerIdleAgent)],
  ]);
  const processes = table([
    ['process', 'cpu idle', 'cpu load', 'memory idle', 'memory after', 'peak', 'handles'],
    ...report.processes.map((process) => [
      process.name,
      cores(process.idleCores),
      cores(process.loadCores),
      kilobytes(process.idleBytes),
      kilobytes(process.residentBytes),
      kilobytes(process.peakBytes),
      String(process.handles),
    ]),
  ]);
  const errors = Object.entries(report.errors).map(([text, count]) => `  ${count} × ${text}`);
  const growth = report.growth.map((text) => `  ${text}`);
  return [facts, ...errors, ...growth, '', processes].join('\n');
}

function cores(share: number | null): string {
  return share === null ? '-' : `${(share * 100).toFixed(1)} %`;
}

function kilobytes(bytes: number): string {
  return bytes < 10_000_000 ? `${(bytes / 1000).toFixed(0)} kB` : `${(bytes / 1_000_000).toFixed(0)} MB`;
}
