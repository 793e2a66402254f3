import { isIP } from 'node:net';
import { hostPort, isDnsName, type HostPort } from './host-port.js';
import { ValueProblem } from './parser.js';
import { list, type OptionSpec, optional, valueOrOff } from './spec.js';

/** Where a daemon serves HTTP. */
export interface HttpAddress extends HostPort {
  /** The user chose it; else it is the default, which another process of this machine may have. */
  readonly chosen: boolean;
}

const DEFAULT = '127.0.0.1:9464';
const parse = hostPort({ minPort: 0 });
const chosen = (text: string): HttpAddress => ({ ...parse(text), chosen: true });

/** On by default, off with `--no-http`. */
export function httpAddress({ help }: { readonly help: string }): OptionSpec<HttpAddress | null> {
  return {
    ...valueOrOff({ placeholder: 'HOST:PORT', parse: chosen, default: DEFAULT, help }),
    fallback: () => ({ ...parse(DEFAULT), chosen: false }),
  };
}

/** Off unless it is given. */
export function optionalHttpAddress({ help }: { readonly help: string }): OptionSpec<HttpAddress | null> {
  return optional({ placeholder: 'HOST:PORT', parse: chosen, help });
}

export const httpHosts = list({
  placeholder: 'NAME',
  parse: (text) => {
    if (!isDnsName(text) && isIP(text) === 0) throw new ValueProblem('is no host name (without a port)');
    return text;
  },
  help: 'name by which HTTP requests may address this process, beside its address and localhost; may be repeated',
});
