/** Owns the rules between the keys, secrets and actions of an `auth {}` block. No message repeats a key or a secret. */
import { ConfigError } from './config-error';
import type { Place, Warning } from './config-error';
import type { Directive } from './parser';
import type { AuthOptions } from './sections/access';

/** Shorter ones can be guessed, by trying. */
const MIN_SECRET = 16;
const MIN_KEY = 8;
/** What needs no encoding in a URL, and parts nothing in a stream name or a line of the log. */
const PLAIN_KEY = /^[\w.~-]*$/;

/**
 * Throws ConfigError when the block lets nobody in, or everybody; returns what is worth a warning.
 *
 * @param block the `auth` directive
 */
export function checkAuthBlock(
  vhost: string,
  auth: AuthOptions,
  block: Directive,
): readonly Warning[] {
  if (!auth.enabled) return [];
  const { keys, secrets, signed } = auth;
  const title = `vhost ${vhost} auth`;
  const placeOf = (name: string): Place =>
    block.children?.find((one) => one.name === name) ?? block;
  if (keys.length === 0 && signed.length === 0) {
    throw new ConfigError(block, `${title} is enabled, expecting a key, or a secret and signed`);
  }
  if (signed.length > 0 && secrets.length === 0) {
    throw new ConfigError(placeOf('signed'), `${title}: signed needs a secret`);
  }
  const isShort = secrets.some((secret) => secret.length < MIN_SECRET);
  const isUnused = secrets.length > 0 && signed.length === 0;
  const texts: readonly (readonly [boolean, string, string])[] = [
    [isShort, 'secret', `a secret has less than ${MIN_SECRET} characters and can be guessed`],
    [isUnused, 'secret', 'a secret has no effect without signed'],
  ];
  const warnings = texts
    .filter(([holds]) => holds)
    .map(([, name, text]) => ({ ...at(placeOf(name)), message: `${title}: ${text}` }));
  return [...warnings, ...checkKeys(title, keys, block), ...checkOpen(title, auth, block)];
}

function checkKeys(title: string, keys: AuthOptions['keys'], block: Directive): Warning[] {
  const places = (block.children ?? []).filter(({ name }) => name === 'key');
  const seen = new Set<string>();
  return keys.flatMap(([action, key, scope], index) => {
    const rule = JSON.stringify([action, key, scope]);
    const texts = [
      ...(seen.has(rule) ? [`a key to ${action} is given twice`] : []),
      ...(key.length < MIN_KEY
        ? [`a key has less than ${MIN_KEY} characters and can be guessed`]
        : []),
      ...(PLAIN_KEY.test(key) ? [] : ['a key has other characters than letters, digits and -._~']),
    ];
    seen.add(rule);
    const place = at(places[index] ?? block);
    return texts.map((text) => ({ ...place, message: `${title}: ${text}` }));
  });
}

/** Who gives each stream its key to publish may not know that all others are open. */
function checkOpen(
  title: string,
  { keys, signed }: AuthOptions,
  block: Directive,
): readonly Warning[] {
  const about = keys.filter(([action]) => action === 'publish');
  const isOpen = about.length > 0 && about.every(([, , scope]) => scope !== undefined);
  if (!isOpen || signed.includes('publish')) return [];
  const text = 'streams without a key to publish can be published by everybody';
  return [{ ...at(block), message: `${title}: ${text}, expecting a key for all of them, too` }];
}

function at({ file, line }: Place): Place {
  return { file, line };
}
