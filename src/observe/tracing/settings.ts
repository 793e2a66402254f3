/** What the standard variables of OpenTelemetry want (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). */
export interface TracingSettings {
  /** Where spans go, without what may be secret in it; null: nowhere. */
  readonly endpoint: string | null;
  /** What is set and will not be followed. */
  readonly warnings: readonly string[];
}

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;
const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'] as const;

const OFF: TracingSettings = { endpoint: null, warnings: [] };
const offBecause = (warning: string): TracingSettings => ({ endpoint: null, warnings: [warning] });

/** Tracing is on when an endpoint is set and nothing switches it off. An empty variable is one that is not set. */
export function readTracingSettings(env: NodeJS.ProcessEnv): TracingSettings {
  const [endpoint] = setOf(env, ENDPOINTS);
  if (endpoint === undefined || env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return OFF;
  const exporters = (env['OTEL_TRACES_EXPORTER']?.trim() || 'otlp').split(',').map((name) => name.trim());
  if (exporters.includes('none')) return OFF;
  if (!exporters.includes('otlp')) {
    const text = `OTEL_TRACES_EXPORTER: '${exporters.join(',')}' is not supported, only otlp and none: no spans are exported`;
    return offBecause(text);
  }
  const url = URL.canParse(endpoint.value) ? new URL(endpoint.value) : null;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    const text = `${endpoint.name}: is not a URL such as http://localhost:4318: no spans are exported`;
    return offBecause(text);
  }
  const where = `${url.origin}${url.pathname}`;
  const [protocol] = setOf(env, PROTOCOLS);
  if (protocol === undefined || protocol.value === 'http/json') return { endpoint: where, warnings: [] };
  if (protocol.value !== 'http/protobuf') {
    const text = `${protocol.name}: '${protocol.value}' is not supported, only http/json: no spans are exported`;
    return offBecause(text);
  }
  const text = `${protocol.name}: spans are sent as http/json, which collectors take at the same port`;
  return { endpoint: where, warnings: [text] };
}

function setOf(env: NodeJS.ProcessEnv, names: readonly string[]): { name: string; value: string }[] {
  return names.flatMap((name) => {
    const value = env[name]?.trim() ?? '';
    return value === '' ? [] : [{ name, value }];
  });
}
