/** Owns the certificates that tests serve TLS with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';

const FOLDER = join(__dirname, '../fixtures/tls');

/** Files of one of the two pairs. */
export function pairFiles(name: 'first' | 'second'): { cert: string; key: string } {
  return { cert: join(FOLDER, `${name}.crt`), key: join(FOLDER, `${name}.key`) };
}

/** The certificate itself: a client that trusts it trusts no other. */
export function trusted(name: 'first' | 'second'): Buffer {
  return readFileSync(pairFiles(name).cert);
}

export function firstContext(): SecureContext {
  const { cert, key } = pairFiles('first');
  return createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
}
