/** The gate before HLS in memory and on disk, with everything that it asks in the hands of the test. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { withoutUsage } from '../../../../../src/app/access/access';
import type {
  AccessContext,
  Authorizer,
  ClientIdentity,
  Refusal,
} from '../../../../../src/app/access/access';
import { Config } from '../../../../../src/app/config/config';
import { FileOwners } from '../../../../../src/app/hls/file-owners';
import { HlsGate } from '../../../../../src/app/http/hls/hls-gate';
import type { HlsMemory, StreamPart } from '../../../../../src/app/http/hls/hls-gate';
import { StaticFiles } from '../../../../../src/app/http/static-files';
import type { StatClient } from '../../../../../src/app/stats/stat-types';
import type { StreamName } from '../../../../../src/app/stream/sink';
import { ContextIds } from '../../../../../src/core/context-id';
import { Harness } from '../harness';
import type { Answer } from '../harness';

/** Keeps what it is asked, and answers what it is told to. */
class RecordingAuthorizer implements Authorizer {
  readonly events: string[] = [];
  readonly clients: ClientIdentity[] = [];
  answer: () => Refusal | undefined | Promise<Refusal | undefined> = () => undefined;

  authorize(
    action: string,
    client: ClientIdentity,
  ): Refusal | undefined | Promise<Refusal | undefined> {
    const { vhost, app, stream, streamParam } = client.request;
    this.clients.push(client);
    this.events.push(`${action} ${vhost}/${app}/${stream}${streamParam} ${client.ip}`);
    return action === 'play' ? this.answer() : undefined;
  }

  ended(action: string, client: ClientIdentity): void {
    this.events.push(`${action} ended ${client.request.stream}`);
  }
}

/** HLS in memory: whatever the test has put there. */
class FakeMemory implements HlsMemory {
  readonly parts = new Map<string, { readonly part: StreamPart; readonly body: string }>();
  /** Streams that are published, by the paths of their playlists. */
  readonly running = new Map<string, StreamName>();
  readonly methods: string[] = [];

  put(path: string, part: StreamPart, body: string): void {
    this.parts.set(path, { part, body });
  }

  ownerOf({ path }: { readonly path: string }): StreamPart | undefined {
    return this.parts.get(path)?.part;
  }

  ownerOfPlaylist(path: string): StreamName | undefined {
    return this.running.get(path);
  }

  handle({ path, method, response }: Parameters<HlsMemory['handle']>[0]): boolean {
    const found = this.parts.get(path);
    if (found === undefined) return false;
    this.methods.push(method);
    const { isPlaylist } = found.part;
    const body = Buffer.from(found.body);
    response.writeHead(200, {
      'Content-Type': isPlaylist ? 'application/vnd.apple.mpegurl' : 'video/mp2t',
      'Content-Length': body.length,
      'Cache-Control': isPlaylist ? 'no-cache' : 'public, max-age=60',
    });
    if (method !== 'HEAD') response.write(body);
    response.end();
    return true;
  }
}

const names =
  'hls_m3u8_file [vhost]/[app]/[stream].m3u8; hls_ts_file [vhost]/[app]/[stream]-[seq].ts; ' +
  'hls_key_file [vhost]/[app]/[stream]-[seq].key; ';
/** What `a.com` asks of viewers in {@link twoVhosts}. */
export const keyRule = 'auth { enabled on; key play secret; }';
/** `a.com` asks for a key, `b.com` lets everybody watch. */
export const twoVhosts = `
  vhost a.com {
    hls { enabled on; hls_path BASE; hls_fragment 2; hls_window 10; ${names} }
    ${keyRule}
  }
  vhost b.com { hls { enabled on; hls_path BASE; ${names} } }`;

export const show = { vhost: 'a.com', app: 'live', stream: 'show' };
export const playlist =
  '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="show-0.key"\n#EXTINF:2,\nshow-0.ts\n#EXTINF:2,\nshow-1.ts\n';

/** A gate with a stream `live/show` of `a.com` on disk and, below `/mem`, in memory, and one of `b.com` on disk. */
export function startGate(vhosts: string, maxSessions?: number): GateHarness {
  const harness = new GateHarness(vhosts, maxSessions);
  harness.write('a.com/live/show.m3u8', playlist);
  harness.write('a.com/live/show-0.ts', 'segment 0');
  harness.write('a.com/live/show-2.ts.tmp', 'half of segment 2');
  harness.write('a.com/live/show-0.key', 'the key');
  harness.write('b.com/live/show.m3u8', playlist);
  harness.write('b.com/live/show-0.ts', 'segment 0');
  harness.write('index.html', '<p>');
  harness.memory.put('/mem/show.m3u8', { ...show, isPlaylist: true }, playlist);
  harness.memory.put('/mem/show-0.ts', { ...show, isPlaylist: false }, 'segment 0');
  return harness;
}

export class GateHarness {
  readonly memory = new FakeMemory();
  readonly authorizer = new RecordingAuthorizer();
  readonly clients = new Set<StatClient>();
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), 'gate-')));
  readonly http: Harness;
  readonly gate: HlsGate;
  context: AccessContext = withoutUsage;
  #config: Config;
  readonly #files: StaticFiles;

  /** `vhosts`: blocks of a configuration, with `BASE` for the directory of the test. */
  constructor(vhosts: string, maxSessions = 1000, memory?: HlsMemory) {
    this.#config = this.#parse(vhosts);
    const routes: [HlsGate?, StaticFiles?] = [];
    this.http = new Harness({
      routes: routes as [HlsGate, StaticFiles],
      findVhost: (name) => this.#config.findVhost(name),
    });
    const { log, clock } = this.http;
    this.gate = new HlsGate({
      log,
      clock,
      ids: new ContextIds(),
      authorizer: this.authorizer,
      accessContext: {
        usage: (vhost) => this.context.usage(vhost),
        nowMs: () => this.context.nowMs(),
      },
      join: (client) => {
        this.clients.add(client);
        return () => this.clients.delete(client);
      },
      memory: memory ?? this.memory,
      filesOf: (all) => new FileOwners(all),
      maxSessions,
    });
    this.gate.setVhosts(this.#config.vhosts);
    this.#files = new StaticFiles({
      dir: this.base,
      vhosts: this.#config.vhosts,
      guard: this.gate,
    });
    routes.push(this.gate, this.#files);
  }

  /** Puts other vhosts into force. */
  reload(vhosts: string): void {
    this.#config = this.#parse(vhosts);
    this.gate.setVhosts(this.#config.vhosts);
  }

  /** A file below the directory of the test, long since written. */
  write(name: string, content: string): void {
    const path = join(this.base, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    const old = new Date('2024-05-01T00:00:00Z');
    utimesSync(path, old, old);
  }

  ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const line = /^(HEAD|POST) /.test(url) ? url : `GET ${url}`;
    return this.http.ask(line, { Host: 'a.com', ...headers });
  }

  async statusOf(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    return (await this.ask(url, headers)).status;
  }

  /** Time passes, with sweeps in it. */
  pass(ms: number): void {
    this.http.clock.advance(ms);
    this.gate.sweep(this.http.clock.nowMs());
  }

  close(): void {
    this.gate.stop();
    this.http.close();
    rmSync(this.base, { recursive: true });
  }

  #parse(vhosts: string): Config {
    const text = `listen 1935;\n${vhosts.replaceAll('BASE', this.base)}`;
    return Config.parse(text, 'test.conf', { addresses: [] });
  }
}
