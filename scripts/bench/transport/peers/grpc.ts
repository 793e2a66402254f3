import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { SERVER_NAME, type TlsMaterial } from '../certificate.js';
import type { EchoClient, PeerServer } from './peer.js';

/** Payloads go through as they are: no protobuf, so that the transport alone is measured. */
const asIs = (bytes: Buffer): Buffer => bytes;
const UNARY = '/bench.Echo/Unary';
const BIDI = '/bench.Echo/Bidi';

const method = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};
const service: ServiceDefinition = {
  unary: { ...method, path: UNARY, requestStream: false, responseStream: false },
  bidi: { ...method, path: BIDI, requestStream: true, responseStream: true },
};

interface Received {
  readonly request: Buffer;
}
interface Duplex {
  on(event: 'data', listener: (bytes: Buffer) => void): void;
  on(event: 'end', listener: () => void): void;
  write(bytes: Buffer): void;
  end(): void;
}

export async function startGrpcServer(tls: TlsMaterial): Promise<PeerServer> {
  const server = new Server();
  server.addService(service, {
    unary: (call: Received, reply: (error: null, bytes: Buffer) => void) => reply(null, call.request),
    bidi: (call: Duplex) => {
      call.on('data', (bytes) => call.write(bytes));
      call.on('end', () => call.end());
    },
  });
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    close: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

/** A call for each message: what most users of gRPC write. */
export function connectGrpcUnary(address: string, tls: TlsMaterial): Promise<EchoClient> {
  const client = dial(address, tls);
  return Promise.resolve({
    exchange(message: Uint8Array, onReply: (reply: Uint8Array) => void) {
      client.makeUnaryRequest(UNARY, asIs, asIs, Buffer.from(message), new Metadata(), (error, reply) => {
        if (error !== null) throw error;
        if (reply !== undefined) onReply(reply);
      });
    },
    close: () => {
      client.close();
      return Promise.resolve();
    },
  });
}

/** One long call, messages back and forth on it: the fastest that gRPC offers. */
export function connectGrpcBidi(address: string, tls: TlsMaterial): Promise<EchoClient> {
  const client = dial(address, tls);
  const call = client.makeBidiStreamRequest(BIDI, asIs, asIs, new Metadata());
  let handleReply: (reply: Uint8Array) => void = () => undefined;
  call.on('data', (reply: Buffer) => handleReply(reply));
  const ended = new Promise<void>((resolve, reject) => {
    call.on('end', resolve);
    call.on('error', reject);
  });
  return Promise.resolve({
    exchange(message: Uint8Array, onReply: (reply: Uint8Array) => void) {
      handleReply = onReply;
      call.write(Buffer.from(message));
    },
    close: async () => {
      call.end();
      await ended;
      client.close();
    },
  });
}

function dial(address: string, tls: TlsMaterial): Client {
  return new Client(address, credentials.createSsl(Buffer.from(tls.ca)), {
    'grpc.ssl_target_name_override': SERVER_NAME,
  });
}
