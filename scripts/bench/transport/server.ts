/** The server process of one protocol, forked by the benchmark. It ends when its parent lets go of it. */
import { startServer, parseServerTask } from './servers.js';

process.once('message', (message) => {
  const { protocol, tls } = parseServerTask(message);
  void startServer[protocol](tls).then((server) => {
    process.once('disconnect', () => void server.close().then(() => process.exit(0)));
    process.send?.({ address: server.address });
  });
});
