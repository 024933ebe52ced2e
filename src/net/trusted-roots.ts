/** Owns which certificate authorities servers that we connect to are checked by. */
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { SecureContext } from 'node:tls';

import { ErrorCode, SrsError } from '../core/errors';

/** Files that add to the roots, by the names that users know from OpenSSL and Node. */
const FILE_VARIABLES = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'];

const CERTIFICATE = /^-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/m;

/** The context last made, and the files it was made of. */
let known: { readonly files: string; readonly context: SecureContext } | undefined;

/**
 * What a client of TLS trusts: the roots that come with Node, and those in the files that the environment names. The
 * files are read once, so that a connection costs no read.
 *
 * @throws SrsError SYSTEM_FILE_OPENE (1042) when a file cannot be read, or holds no certificates
 */
export function trustedRoots(environment: NodeJS.ProcessEnv = process.env): SecureContext {
  const files = FILE_VARIABLES.flatMap((name) => {
    const file = environment[name];
    return file === undefined || file === '' ? [] : [{ name, file }];
  });
  const key = JSON.stringify(files);
  if (known?.files === key) return known.context;
  const context = contextWith(files);
  known = { files: key, context };
  return context;
}

function contextWith(files: readonly { name: string; file: string }[]): SecureContext {
  // Without files of ours Node shares its own store, which is cheaper than a copy of it.
  if (files.length === 0) return createSecureContext();
  try {
    return createSecureContext({
      ca: [...rootCertificates, ...files.map(({ file }) => certificatesIn(file))],
    });
  } catch (cause) {
    const names = files.map(({ name, file }) => `${name}=${file}`).join(' ');
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `expected certificates in ${names}, got ${reason}`;
    throw new SrsError(ErrorCode.SYSTEM_FILE_OPENE, message, { cause });
  }
}

/** OpenSSL passes over a text without any. */
function certificatesIn(file: string): string {
  const text = readFileSync(file, 'utf8');
  if (!CERTIFICATE.test(text)) throw new Error('none');
  return text;
}
