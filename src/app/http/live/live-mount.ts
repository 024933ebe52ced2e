/** Owns the way from a path to the live stream it names, by the mount template of a vhost. */
import { splitExtension } from './container';
import type { Container } from './container';

/** A vhost without a name of its own: nothing stands for it in paths. */
const DEFAULT_VHOST = '__defaultVhost__';
const VHOST_VARIABLE = '[vhost]';
/** What the variables of a template match: an app may hold slashes, a stream does not. */
const PATTERNS: Readonly<Record<string, string>> = {
  '[app]': '(?<app>.+)',
  '[stream]': '(?<stream>[^/]+)',
};

/** The stream that a path names. */
export interface LivePath {
  readonly app: string;
  readonly stream: string;
  readonly container: Container;
}

/**
 * A template such as `[vhost]/[app]/[stream].flv` for one vhost. What stands before its first slash is a host, as
 * `[vhost]` does; a template that begins with a slash is a path for every host. Every container is found at the place
 * of the template, whatever its extension: that one is the {@link container} for which players may come before the
 * publisher.
 */
export class LiveMount {
  /** The container of the template; undefined when its extension is that of none. */
  readonly container: Container | undefined;
  /** The only host that it serves; undefined for every host that leads to the vhost. */
  readonly #host: string | undefined;
  readonly #pattern: RegExp;

  constructor(template: string, vhost: string) {
    const slash = Math.max(template.indexOf('/'), 0);
    const host = template.slice(0, slash);
    this.#host = host === '' || host === VHOST_VARIABLE ? undefined : hostOf(host, vhost);
    const path = template.slice(slash).replaceAll(VHOST_VARIABLE, pathOf(vhost));
    const split = splitExtension(path);
    this.container = split?.container;
    this.#pattern = toPattern(split?.stem ?? path);
  }

  /** The stream at a path that was asked for at a host, both decoded; undefined when it is not below this mount. */
  match(host: string, path: string): LivePath | undefined {
    const split = splitExtension(path);
    if (!split || (this.#host !== undefined && this.#host !== host)) return undefined;
    const found = this.#pattern.exec(split.stem);
    if (!found) return undefined;
    const { container, stem } = split;
    const slash = stem.lastIndexOf('/');
    const { app = stem.slice(1, slash), stream = stem.slice(slash + 1) } = found.groups ?? {};
    return { app, stream, container };
  }
}

function hostOf(text: string, vhost: string): string | undefined {
  const host = text.replaceAll(VHOST_VARIABLE, pathOf(vhost)).toLowerCase();
  return host === '' || host === DEFAULT_VHOST.toLowerCase() ? undefined : host;
}

function pathOf(vhost: string): string {
  return vhost === DEFAULT_VHOST ? '' : vhost;
}

/** Every variable counts once, where it stands first. */
function toPattern(stem: string): RegExp {
  const seen = new Set<string>();
  const source = stem
    .replace(/\/{2,}/g, '/')
    .split(/(\[app\]|\[stream\])/)
    .map((part) => {
      const variable = seen.has(part) ? undefined : PATTERNS[part];
      seen.add(part);
      return variable ?? part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    });
  return new RegExp(`^${source.join('')}$`, 's');
}
