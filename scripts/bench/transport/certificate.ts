import { generate } from 'selfsigned';

/** PEM texts for every TLS server of one run; `ca` is what clients trust. */
export interface TlsMaterial {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** The name all clients ask for, whatever address they connect to. */
export const SERVER_NAME = 'localhost';

/** An ECDSA P-256 authority and a server certificate for localhost, for an hour, in memory only. */
export async function makeTlsMaterial(now: Date): Promise<TlsMaterial> {
  const common = {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now.getTime() - 60_000),
    notAfterDate: new Date(now.getTime() + 3_600_000),
  } as const;
  const authority = await generate([{ name: 'commonName', value: 'benchmark authority' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: SERVER_NAME }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: SERVER_NAME },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { key: server.private, cert: server.cert, ca: authority.cert };
}
