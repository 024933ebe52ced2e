/** Owns which directory a request for a file leads to: the mounts of the vhosts, and the root below all of them. */
import type { VhostOptions } from '../config/config';

const DEFAULT_VHOST = '__defaultVhost__';

/** A directory that is served below a path, for one host or for all. */
export interface Mount {
  /** In lower case; '' for every host. */
  readonly host: string;
  /** Begins and ends with a slash. */
  readonly prefix: string;
  readonly dir: string;
}

/** What mounts need to know of a vhost. */
export type MountingVhost = Pick<VhostOptions, 'name' | 'enabled' | 'httpStatic'>;

/** What mounts need to know of a request. */
export interface MountRequest {
  readonly host: string;
  readonly path: string;
  readonly vhost: { readonly name: string } | undefined;
}

/** Where a request leads to. */
export type MountMatch =
  /** The path below the directory, without a slash in front. */
  | { readonly mount: Mount; readonly below: string }
  /** The mount itself, asked for without its last slash. */
  | 'add-slash'
  | undefined;

/**
 * The mounts of all enabled vhosts, and `rootDir` for everything else. A mount is `[vhost]/path/`: what stands before
 * the first slash is the host, and the default vhost is every host.
 */
export function mountsOf(vhosts: readonly MountingVhost[], rootDir: string): Mount[] {
  const mounts = vhosts
    .filter(({ enabled, httpStatic }) => enabled && httpStatic.enabled)
    .map(({ name, httpStatic }) => mountOf(httpStatic.mount, name, httpStatic.dir));
  return [...mounts, { host: '', prefix: '/', dir: rootDir }];
}

/** Finds the mount of a path by whole segments: those of the request's host first, then the longest, then the first. */
export function findMount(mounts: readonly Mount[], request: MountRequest): MountMatch {
  const { host, path, vhost } = request;
  const vhostName = vhost?.name.toLowerCase();
  const isForHost = (mount: Mount): boolean => mount.host === host || mount.host === vhostName;
  const own = mounts.filter((mount) => mount.host !== '' && isForHost(mount));
  return (
    longest(own, path) ??
    longest(
      mounts.filter((mount) => mount.host === ''),
      path,
    )
  );
}

function longest(mounts: readonly Mount[], path: string): MountMatch {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const isLonger = best === undefined || mount.prefix.length > best.prefix.length;
    if (isLonger && `${path}/`.startsWith(mount.prefix)) best = mount;
  }
  if (best === undefined) return undefined;
  if (path.length < best.prefix.length) return 'add-slash';
  return { mount: best, below: path.slice(best.prefix.length) };
}

function mountOf(pattern: string, vhost: string, dir: string): Mount {
  const resolved = pattern.replaceAll('[vhost]', vhost);
  const local = resolved.startsWith(DEFAULT_VHOST)
    ? resolved.slice(DEFAULT_VHOST.length)
    : resolved;
  const slash = `${local}/`.indexOf('/');
  const prefix = `/${local.slice(slash)}/`.replaceAll(/\/{2,}/g, '/');
  return { host: local.slice(0, slash).toLowerCase(), prefix, dir };
}
