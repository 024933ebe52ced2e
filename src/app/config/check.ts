/** Owns the rules that no single directive can check: what must fit together, or be there at all. */
import { SrsError } from '../../core/errors';

import { listenText } from './addresses';
import { checkAuthBlock } from './check-auth';
import { ConfigError, placeText } from './config-error';
import type { Place, Warning } from './config-error';
import type { Directive } from './parser';
import { parseRedisUrl } from './redis-url';
import type { GlobalOptions } from './sections/global';
import { BUILTIN_FFMPEG } from './sections/transcode';
import type { VhostOptions } from './sections/vhost';

/** A configuration whose directives are all good by themselves. */
export interface Candidate {
  readonly file: string;
  readonly directives: readonly Directive[];
  readonly global: GlobalOptions;
  readonly vhosts: readonly VhostOptions[];
  /** Non-loopback IPv4 addresses of the machine. */
  readonly addresses: readonly string[];
}

/** What can be said of the tree before its directives are read. Throws ConfigError. */
export function checkDirectives(directives: readonly Directive[], file: string): void {
  if (directives.length === 0) throw new ConfigError({ file, line: 0 }, 'conf is empty');
}

/** Throws ConfigError on the first broken rule; returns what is worth a warning. */
export function checkOptions(candidate: Candidate): readonly Warning[] {
  checkListen(candidate);
  checkProcess(candidate);
  checkApiAuth(candidate);
  checkRegistry(candidate);
  const { directives, vhosts, global } = candidate;
  const blocks = directives.filter(({ name }) => name === 'vhost');
  checkVhostNames(blocks, vhosts);
  const perVhost = vhosts.map((vhost, index) => {
    const block = blocks[index];
    if (!block) return [];
    if (global.originRegistry === '') checkOrigin(vhost, block);
    return checkVhost(vhost, block);
  });
  return [...checkStatsNetwork(candidate), ...perVhost.flat(), ...checkRetention(blocks, vhosts)];
}

/** Recordings of several vhosts with the same names cannot be told apart when the old ones are deleted. */
function checkRetention(
  blocks: readonly Directive[],
  vhosts: readonly VhostOptions[],
): readonly Warning[] {
  const users = new Map<string, string>();
  return vhosts.flatMap(({ name, enabled, dvr }, index) => {
    if (!enabled || !dvr.enabled || dvr.path.includes('[vhost]')) return [];
    const other = users.get(dvr.path);
    users.set(dvr.path, name);
    const block = blocks[index];
    const limits = vhosts.some((one) => isLimited(one, dvr.path));
    if (other === undefined || !block || !limits) return [];
    const place = find(block.children ?? [], 'dvr') ?? block;
    const text = `vhost ${name} dvr_path is that of vhost ${other}, so the limits of one delete files of both`;
    return [warn(place, `${text}: put [vhost] into it`)];
  });
}

function isLimited({ dvr }: VhostOptions, path: string): boolean {
  return dvr.enabled && dvr.path === path && (dvr.retainAgeMs > 0 || dvr.retainBytes > 0);
}

/** A machine without any address still serves its loopback; a wrong index is a mistake. */
function checkStatsNetwork({ directives, global, addresses }: Candidate): Warning[] {
  const stats = find(directives, 'stats');
  const place = find(stats?.children ?? [], 'network') ?? stats;
  const index = global.stats.network;
  if (!place || index < addresses.length) return [];
  if (addresses.length === 0) {
    return [warn(place, 'stats network: no address other than loopback, 127.0.0.1 is used')];
  }
  const text = `stats network invalid, total local ip count=${addresses.length}, index=${index}`;
  throw new ConfigError(place, text);
}

function checkListen({ file, directives, global }: Candidate): void {
  if (global.listen.length === 0) {
    throw new ConfigError(
      { file, line: 0 },
      'directive "listen" is empty, expecting at least one port, as listen 1935;',
    );
  }
  const place = find(directives, 'listen') ?? { file, line: 0 };
  const seen = new Set<string>();
  for (const address of global.listen) {
    const text = listenText(address);
    if (seen.has(text) && address.port !== 0) {
      throw new ConfigError(place, `directive listen invalid, port=${text}, must be given once`);
    }
    seen.add(text);
  }
}

function checkProcess({ file, directives, global }: Candidate): void {
  if (!global.daemon || !global.asprocess) return;
  const place = find(directives, 'asprocess') ?? { file, line: 0 };
  throw new ConfigError(place, 'daemon conflict with asprocess, expecting daemon off');
}

/** An API that asks for a secret which nobody can know would be closed; one without a secret, open. */
function checkApiAuth({ directives, global }: Candidate): void {
  const { enabled, username, password, token } = global.httpApi.auth;
  const api = find(directives, 'http_api');
  const place = find(api?.children ?? [], 'auth') ?? api;
  if (!place) return;
  if ((username === '') !== (password === '')) {
    const text = 'http_api auth: username and password go together, expecting both or none';
    throw new ConfigError(place, text);
  }
  if (!enabled || username !== '' || token !== '') return;
  const text = 'http_api auth is enabled, expecting a username and password, or a token';
  throw new ConfigError(place, text);
}

/** What is wrong with the URL is said without the password in it. */
function checkRegistry({ directives, global }: Candidate): void {
  const place = find(directives, 'origin_registry');
  if (!place || global.originRegistry === '') return;
  try {
    parseRedisUrl(global.originRegistry);
  } catch (error) {
    if (!(error instanceof SrsError)) throw error;
    const text = `directive origin_registry invalid, ${error.message}`;
    throw new ConfigError(place, text, error.code, { cause: error });
  }
}

function checkVhostNames(blocks: readonly Directive[], vhosts: readonly VhostOptions[]): void {
  const seen = new Map<string, Directive>();
  vhosts.forEach(({ name }, index) => {
    const block = blocks[index];
    const first = seen.get(name);
    if (!block) return;
    if (first) {
      const text = `directive "vhost" duplicated, vhost=${name}, first given at ${placeText(first)}`;
      throw new ConfigError(block, text);
    }
    seen.set(name, block);
  });
}

function checkOrigin({ name, mode, origin }: VhostOptions, block: Directive): void {
  if (mode !== 'remote' || origin.length > 0) return;
  const place = find(block.children ?? [], 'mode') ?? block;
  throw new ConfigError(place, `vhost ${name}: mode remote needs an origin, or an origin_registry`);
}

function checkVhost(vhost: VhostOptions, block: Directive): Warning[] {
  checkLowLatency(vhost, block);
  return [
    ...checkSegmentNames(vhost, block),
    ...checkRemux(vhost, block),
    ...checkIngests(vhost, block),
    ...checkAuth(vhost, block),
  ];
}

function checkAuth({ name, enabled, auth }: VhostOptions, block: Directive): readonly Warning[] {
  const place = find(block.children ?? [], 'auth');
  return enabled && place ? checkAuthBlock(name, auth, place) : [];
}

/** Names without number or time are all the same. */
function checkSegmentNames({ name, enabled, hls }: VhostOptions, block: Directive): Warning[] {
  if (!enabled || !hls.enabled) return [];
  const section = find(block.children ?? [], 'hls');
  const placeOf = (directive: string): Place =>
    find(section?.children ?? [], directive) ?? section ?? block;
  if (hls.keys && !isNumbered(hls.keyFile)) {
    const text = `vhost ${name}: hls_key_file ${hls.keyFile} gives all keys one name`;
    throw new ConfigError(placeOf('hls_key_file'), `${text}, put [seq] into it`);
  }
  if (isNumbered(hls.tsFile)) return [];
  const text = `vhost ${name} hls_ts_file ${hls.tsFile} gives all segments one name`;
  return [warn(placeOf('hls_ts_file'), `${text}: put [seq] or [timestamp] into it`)];
}

function isNumbered(template: string): boolean {
  return /\[(seq|timestamp|05|999)\]/.test(template);
}

/** The extension of the mount is the container for which players may come before the publisher. */
function checkRemux({ name, enabled, httpRemux }: VhostOptions, block: Directive): Warning[] {
  const { mount } = httpRemux;
  if (!enabled || !httpRemux.enabled || /\.(flv|ts|aac|mp3)$/.test(mount)) return [];
  const remux = find(block.children ?? [], 'http_remux');
  const place = find(remux?.children ?? [], 'mount') ?? remux ?? block;
  const text = `vhost ${name} http_remux mount ${mount} should end in .flv, .ts, .aac or .mp3`;
  return [warn(place, `${text}, players cannot wait for a publisher`)];
}

/** A part is sent before its segment is complete, which encryption by segments does not allow. */
function checkLowLatency({ name, hls }: VhostOptions, block: Directive): void {
  if (!hls.enabled || !hls.lowLatency) return;
  const place = find(block.children ?? [], 'hls') ?? block;
  const title = `vhost ${name} hls`;
  if (hls.keys) {
    throw new ConfigError(place, `${title}: hls_keys and hls_low_latency exclude each other`);
  }
  if (hls.partMs * 2 > hls.fragmentMs) {
    const text = `${title}: hls_part ${hls.partMs / 1000} must be at most half of hls_fragment`;
    throw new ConfigError(place, `${text} ${hls.fragmentMs / 1000}`);
  }
}

function checkIngests(vhost: VhostOptions, block: Directive): Warning[] {
  const blocks = (block.children ?? []).filter(({ name }) => name === 'ingest');
  const seen = new Set<string>();
  return vhost.ingest.flatMap((ingest, index) => {
    const place = blocks[index] ?? block;
    if (seen.has(ingest.id)) {
      const text = `directive "ingest" id duplicated, vhost=${vhost.name}, id=${ingest.id}`;
      throw new ConfigError(place, text);
    }
    seen.add(ingest.id);
    if (!vhost.enabled || !ingest.enabled) return [];
    const missing = [
      ...(ingest.input.url === '' ? ['input url'] : []),
      ...(ingest.ffmpeg === '' ? [`ffmpeg (a program, or ${BUILTIN_FFMPEG})`] : []),
      ...(ingest.engines.some(({ output }) => output !== '') ? [] : ['engine output']),
    ];
    return missing.map((what) =>
      warn(place, `vhost ${vhost.name} ingest ${ingest.id} has no ${what}`),
    );
  });
}

function warn({ file, line }: Place, message: string): Warning {
  return { file, line, message };
}

function find(directives: readonly Directive[], name: string): Directive | undefined {
  return directives.find((directive) => directive.name === name);
}
