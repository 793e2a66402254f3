import { type Parser, ValueProblem } from './parser.js';

/** Parser of a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons; gives lower case without colons. */
export const fingerprint: Parser<string> = (text) => {
  if (!/^(?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31})$/.test(text)) {
    throw new ValueProblem(
      "is not a SHA-256 fingerprint (64 hexadecimal digits; 'swarm-coordinator certs show' prints it)",
    );
  }
  return text.replaceAll(':', '').toLowerCase();
};
