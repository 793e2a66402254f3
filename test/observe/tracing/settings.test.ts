import t from 'tap';
import { readTracingSettings } from '../../../src/observe/tracing/settings.js';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

t.test(
  'spans are exported when, and only when, an endpoint is set and nothing switches it off',
  async (t) => {
    const off: readonly NodeJS.ProcessEnv[] = [
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_SERVICE_NAME: 'mine' },
      { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' },
      { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' },
    ];
    for (const env of off) t.strictSame(readTracingSettings(env), { endpoint: null, warnings: [] });
    t.strictSame(
      readTracingSettings({ ...ENDPOINT, OTEL_SDK_DISABLED: 'false', OTEL_TRACES_EXPORTER: 'otlp' }),
      {
        endpoint: 'http://collector:4318/',
        warnings: [],
      },
    );
    t.equal(
      readTracingSettings({
        ...ENDPOINT,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://u:secret@traces/v1?k=secret',
      }).endpoint,
      'https://traces/v1',
      'the more special one counts, and what may be secret is not shown',
    );
  },
);

t.test('what cannot be followed is said by name', async (t) => {
  const said = (env: NodeJS.ProcessEnv) => {
    const { endpoint, warnings } = readTracingSettings({ ...ENDPOINT, ...env });
    return [endpoint !== null, warnings.join()] as const;
  };
  t.match(said({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }), [
    true,
    /^OTEL_EXPORTER_OTLP_PROTOCOL: .*http\/json/,
  ]);
  t.match(said({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }), [true, /^$/]);
  t.match(said({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' }), [
    false,
    /^OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' is not supported/,
  ]);
  t.match(said({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }), [
    false,
    /^OTEL_EXPORTER_OTLP_ENDPOINT: is not a URL/,
  ]);
  t.match(said({ OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://collector' }), [false, /is not a URL/]);
  t.match(said({ OTEL_TRACES_EXPORTER: 'zipkin' }), [false, /^OTEL_TRACES_EXPORTER: 'zipkin'/]);
});
