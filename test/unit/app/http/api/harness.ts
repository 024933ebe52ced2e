/** An HTTP API over statistics and figures that a test sets, on a free loopback port. */
import { Config } from '../../../../../src/app/config/config';
import { jsonRefusals } from '../../../../../src/app/http/api/api-answer';
import type {
  ApiForwards,
  ApiOptions,
  ApiParts,
  ApiStatistics,
  ApiUpstreams,
  ForwardWish,
  MachineFigures,
  ReloadResult,
} from '../../../../../src/app/http/api/api-parts';
import { ApiRoute } from '../../../../../src/app/http/api/api-route';
import type {
  ClientStats,
  ForwardStats,
  PlayersSum,
  ServerTotals,
  StreamStats,
  VhostStats,
} from '../../../../../src/app/stats/stat-types';
import { ManualClock } from '../../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../../support/fakes/recording-logger';
import { Harness } from '../harness';
import type { Answer } from '../harness';

export const SERVER_ID = 4242;

const traffic = { sendBytes: 3000, recvBytes: 2000, kbps: { recv30s: 20.4, send30s: 30.6 } };

export const sampleVhost: VhostStats = {
  id: 1,
  name: 'a.com',
  enabled: true,
  clients: 3,
  publishers: 1,
  streams: 1,
  ...traffic,
  hls: { enabled: true, fragmentMs: 7500 },
};

export const sampleStream: StreamStats = {
  id: 11,
  name: 'livestream',
  vhostId: 1,
  vhost: 'a.com',
  app: 'live',
  liveMs: 1_700_000_000_000,
  ageMs: 5000.7,
  clients: 3,
  players: 2,
  frames: 125,
  ...traffic,
  isActive: true,
  publisherId: 101,
  media: {
    video: {
      codec: 'H264',
      profile: 'High',
      level: '3.1',
      width: 1280,
      height: 720,
      fps: 24.9876,
      gopMs: 2000.4,
      gopFrames: 50,
      frames: 125,
      bytes: 999,
    },
    audio: {
      codec: 'AAC',
      sampleRate: 44100,
      channels: 2,
      profile: 'LC',
      frames: 200,
      bytes: 111,
    },
  },
};

/** A player with a key in its urls. */
export function sampleClient(id = 102): ClientStats {
  return {
    client: {
      id,
      ip: '192.168.1.7',
      protocol: 'http-flv',
      type: 'Play',
      isPublisher: false,
      names: {
        vhost: 'a.com',
        app: 'live',
        stream: 'livestream',
        param: '?token=SECRET1',
        tcUrl: 'rtmp://a.com/live?token=SECRET2',
        pageUrl: 'http://page.test/?key=SECRET3',
        swfUrl: 'http://page.test/p.swf',
      },
      startedMs: 0,
      bytesSent: () => 0,
      bytesReceived: () => 0,
      kick: () => undefined,
    },
    vhostId: 1,
    streamId: 11,
    aliveMs: 1234.5,
    ...traffic,
    player: { messages: 77, dropped: 5, lagMs: 340.2, jumps: 1 },
  };
}

/** A copy that an operator wants. */
/** A stream that is fetched, one that is handed on, and the registry. */
export const sampleUpstreams: ApiUpstreams = {
  upstreams: () => [
    {
      id: 301,
      direction: 'pull',
      vhost: 'a.com',
      app: 'live',
      stream: 'livestream',
      url: 'rtmp://origin.test/live/livestream',
      state: 'pulling',
      bytes: 7000,
      reconnects: 1,
      lastError: 'origin.test:1935: connection lost',
    },
    {
      id: 302,
      direction: 'push',
      vhost: 'a.com',
      app: 'live',
      stream: 'camera',
      url: '',
      state: 'waiting',
      bytes: 0,
      reconnects: 0,
      lastError: '',
    },
  ],
  registryStats: () => ({
    url: 'redis://redis.test:6379/0',
    isConnected: true,
    published: 3,
    announced: 2,
    failures: 4,
  }),
};

export const sampleForward: ForwardStats = {
  id: 201,
  destinationId: 117,
  vhost: 'a.com',
  app: 'live',
  stream: 'livestream',
  url: 'rtmps://b.test:443/live2/***',
  origin: 'api',
  state: 'connected',
  sinceMs: 1_700_000_000_000,
  sendBytes: 5000,
  sendKbps: 40.4,
  reconnects: 2,
  dropped: 7,
  lastError: 'b.test:443: connection lost',
};

/** Copies as a test sets them; what is wished for is kept. */
export class FakeForwards implements ApiForwards {
  stats: ForwardStats[] = [sampleForward];
  readonly wishes: ForwardWish[] = [];
  readonly removed: number[] = [];
  /** Thrown at the next wish. */
  failure: Error | undefined;

  list(): ForwardStats[] {
    return this.stats;
  }

  add(wish: ForwardWish): number {
    if (this.failure) throw this.failure;
    this.wishes.push(wish);
    return 117;
  }

  remove(id: number): 'removed' | 'unknown' | 'fixed' {
    const found = this.stats.find((one) => one.id === id);
    if (!found) return 'unknown';
    if (found.origin !== 'api') return 'fixed';
    this.removed.push(id);
    return 'removed';
  }
}

/** Statistics as a test sets them; what is done to clients and streams is kept. */
export class FakeStatistics implements ApiStatistics {
  readonly serverId = SERVER_ID;
  version = 1;
  vhostList: VhostStats[] = [sampleVhost];
  streamList: StreamStats[] = [sampleStream];
  clientList: ClientStats[] = [sampleClient()];
  /** How often a list was asked for. */
  reads = 0;
  readonly done: string[] = [];

  playersByStream(): ReadonlyMap<number, PlayersSum> {
    const sums = new Map<number, PlayersSum>();
    for (const { streamId, player } of this.clientList) {
      const { dropped, lagMs } = sums.get(streamId) ?? { dropped: 0, lagMs: 0 };
      if (!player) continue;
      sums.set(streamId, {
        dropped: dropped + player.dropped,
        lagMs: Math.max(lagMs, player.lagMs),
      });
    }
    return sums;
  }

  get clientCount(): number {
    return this.clientList.length;
  }

  server(): ServerTotals {
    return { clients: 3, publishers: 1, players: 2, streams: 1, activeStreams: 1, ...traffic };
  }

  vhosts(): VhostStats[] {
    this.reads++;
    return this.vhostList;
  }

  vhost(id: number): VhostStats | undefined {
    return this.vhostList.find((vhost) => vhost.id === id);
  }

  streams(): StreamStats[] {
    this.reads++;
    return this.streamList;
  }

  stream(id: number): StreamStats | undefined {
    return this.streamList.find((stream) => stream.id === id);
  }

  clients(start: number, count: number): ClientStats[] {
    this.reads++;
    return this.clientList.slice(start, start + count);
  }

  client(id: number): ClientStats | undefined {
    return this.clientList.find(({ client }) => client.id === id);
  }

  kick(id: number, reason: string): boolean {
    const isThere = this.client(id) !== undefined;
    if (isThere) this.done.push(`kick ${id}: ${reason}`);
    return isThere;
  }

  stopStream(id: number, reason: string): number | undefined {
    const stream = this.stream(id);
    if (stream !== undefined) this.done.push(`stop ${id}: ${reason}`);
    return stream?.clients;
  }
}

const emptyFigures: MachineFigures = {
  rusage: () => ({ ok: true }),
  selfProcStat: () => ({ ok: true }),
  systemProcStat: () => ({ ok: true }),
  meminfo: () => ({ ok: true }),
  summaries: (traffic) => ({ ok: true, traffic }),
};

/** What stands in `http_api {}`. */
export function apiOptions(text = ''): ApiOptions {
  return Config.parse(`listen 1935; http_api { enabled on; ${text} }`, 'api.conf').global.httpApi;
}

export interface ApiHarnessOptions extends Partial<Omit<ApiParts, 'options'>> {
  /** What stands in `http_api {}`. */
  readonly config?: string;
}

/** One answer as JSON. */
export interface JsonAnswer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
  readonly answer: Answer;
}

export class ApiHarness {
  readonly statistics = new FakeStatistics();
  readonly forwards = new FakeForwards();
  readonly log = new RecordingLogger();
  readonly clock = new ManualClock();
  options: ApiOptions;
  reloadResult: ReloadResult = { ok: true, code: 0, changes: [] };
  readonly http: Harness;

  constructor({ config = '', ...parts }: ApiHarnessOptions = {}) {
    this.options = apiOptions(config);
    const route = new ApiRoute({
      statistics: this.statistics,
      machine: emptyFigures,
      log: this.log,
      clock: this.clock,
      options: () => this.options,
      connections: () => 9,
      reload: () => Promise.resolve(this.reloadResult),
      forwards: this.forwards,
      upstreams: sampleUpstreams,
      ...parts,
    });
    this.http = new Harness({
      routes: [route],
      crossdomain: this.options.crossdomain,
      title: 'HTTP API',
      refuse: jsonRefusals(SERVER_ID),
    });
  }

  async json(
    line: string,
    headers: Readonly<Record<string, string>> = {},
    body = '',
  ): Promise<JsonAnswer> {
    const answer = await this.http.ask(line, headers, body);
    const json = JSON.parse(answer.body.toString()) as Record<string, unknown>;
    return { status: answer.status, json, answer };
  }

  close(): void {
    this.http.close();
  }
}
