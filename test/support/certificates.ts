import { generate } from 'selfsigned';

export interface TestCertificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
  /** Valid for no longer: its last day is past. */
  readonly expired: { readonly cert: string; readonly key: string };
}

let made: Promise<TestCertificates> | null = null;

/** One authority and leaves signed by it, made once for each test process. */
export function testCertificates(): Promise<TestCertificates> {
  made ??= make();
  return made;
}

async function make(): Promise<TestCertificates> {
  const base = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
  const ca = await generate([{ name: 'commonName', value: 'test authority' }], {
    ...base,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, digitalSignature: true },
    ],
  });
  const leaf = async (name: string, validity: { notBeforeDate?: Date; notAfterDate?: Date } = {}) => {
    const pair = await generate([{ name: 'commonName', value: name }], {
      ...base,
      ...validity,
      ca: { key: ca.private, cert: ca.cert },
      extensions: [
        { name: 'basicConstraints', cA: false },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'localhost' },
            { type: 7, ip: '127.0.0.1' },
          ],
        },
      ],
    });
    return { cert: pair.cert, key: pair.private };
  };
  const day = 24 * 3600 * 1000;
  return {
    ca: ca.cert,
    server: await leaf('server'),
    client: await leaf('agent-1'),
    expired: await leaf('late', {
      notBeforeDate: new Date(Date.now() - 3 * day),
      notAfterDate: new Date(Date.now() - day),
    }),
  };
}
