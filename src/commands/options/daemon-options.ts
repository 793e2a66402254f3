import { DEFAULT_SETTINGS } from '../../transport/settings.js';
import { choice } from './choice.js';
import { duration } from './duration.js';
import { type Parser, ValueProblem } from './parser.js';
import { size } from './size.js';
import { computedValue, type OptionTable, value } from './spec.js';

/** QUIC needs datagrams of 1200 bytes (RFC 9000 §14); UDP over IPv4 carries at most 65507. */
const MIN_UDP_PAYLOAD_BYTES = 1200;
const MAX_UDP_PAYLOAD_BYTES = 65_507;

/** Parser of `auto` or a number of bytes. */
export const udpPayload: Parser<'auto' | number> = (text) => {
  if (text === 'auto') return 'auto';
  try {
    return size({ min: MIN_UDP_PAYLOAD_BYTES, max: MAX_UDP_PAYLOAD_BYTES })(text);
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error;
    throw new ValueProblem(`is not auto or ${MIN_UDP_PAYLOAD_BYTES} to ${MAX_UDP_PAYLOAD_BYTES} bytes`);
  }
};

/** Flags that the coordinator and the agent share. */
export const daemonOptions = {
  drainTimeout: value({
    placeholder: 'DURATION',
    parse: duration({ max: 24 * 3_600_000 }),
    default: '30s',
    help: 'on SIGTERM running tasks have this long to finish',
  }),
  udpPayload: value({
    placeholder: 'auto|BYTES',
    parse: udpPayload,
    numeric: true,
    default: 'auto',
    help: 'datagram size; auto is 16 kB on loopback, 1350 bytes elsewhere',
  }),
  busyPoll: computedValue({
    placeholder: 'on|off',
    parse: choice(['on', 'off']),
    defaultText: 'on with several cores',
    fallback: () => (DEFAULT_SETTINGS.busyPoll ? 'on' : 'off'),
    help: 'wait awake for a next message where each came within 100 us: a third of the time, all of a core meanwhile',
  }),
} as const satisfies OptionTable;
