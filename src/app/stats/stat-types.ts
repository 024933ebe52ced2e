/** Owns what statistics ask of clients and streams, and the figures they answer with. */

/** How a client is connected. */
export type ClientProtocol =
  | 'rtmp'
  | 'rtmps'
  | `${'http' | 'https' | 'ws' | 'wss'}-${'flv' | 'ts'}`
  | `${'http' | 'https'}-${'aac' | 'mp3' | 'post'}`
  | 'hls';

/** The names that make a stream. */
export interface StreamNames {
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
}

/** What a client asked for, as it was when the client began. */
export interface ClientNames extends StreamNames {
  /** The query of the stream with its `?`, or ''. */
  readonly param: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly swfUrl: string;
}

/** What one player got. */
export interface PlayerFigures {
  readonly messages: number;
  readonly dropped: number;
  /** How much media it is behind, ms; 0 where that is not known. */
  readonly lagMs: number;
  /** How often it jumped forward because it lagged too far. */
  readonly jumps: number;
}

/** One player or publisher as statistics see it. */
export interface StatClient {
  /** Context id, to be found in the log. */
  readonly id: number;
  readonly ip: string;
  readonly protocol: ClientProtocol;
  /** `Play`, `fmle-publish`, `flash-publish`, `haivision-publish`, `http-publish`, `hls-play`, `edge-pull`. */
  readonly type: string;
  readonly isPublisher: boolean;
  /** It is this server itself, fetching the stream from another: no limit is about it. */
  readonly isOwn?: boolean;
  /** Those of the moment it began. */
  readonly names: ClientNames;
  /** When its connection was accepted, monotonic. */
  readonly startedMs: number;
  /** Bytes of its connection so far that count for this play or publish; they never shrink. */
  bytesSent(): number;
  bytesReceived(): number;
  /** Only players: what it got, and how far behind it is. */
  player?(): PlayerFigures;
  /** An operator ends it: it is told `reason`, then closed. Idempotent. */
  kick(reason: string): void;
}

/** The pictures of a stream; a number not known is 0, a text ''. */
export interface StreamVideo {
  /** `H264`, `HEVC`, `AV1`, `VP9`, `VP8`, `VP6`, or another legacy name; `Other` for one that is not known. */
  readonly codec: string;
  /** For H.264 `Baseline`, `Baseline(Constrained)`, `Main`, `Extended`, `High`, `High(10)` ... */
  readonly profile: string;
  /** `3.1`. */
  readonly level: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** From one key frame to the next: the last whole group of pictures. */
  readonly gopMs: number;
  readonly gopFrames: number;
  /** Since the publish began. */
  readonly frames: number;
  readonly bytes: number;
}

/** The sound of a stream; a number not known is 0, a text ''. */
export interface StreamAudio {
  /** `AAC`, `MP3`, `Opus`, `FLAC`, `AC-3`, `E-AC-3`, `Speex`, or another legacy name; `Other` for one not known. */
  readonly codec: string;
  /** Hz heard. */
  readonly sampleRate: number;
  readonly channels: number;
  /** For AAC `Main`, `LC`, `SSR`, `HE`, `HEv2`, `Other`. */
  readonly profile: string;
  /** Since the publish began. */
  readonly frames: number;
  readonly bytes: number;
}

/** What a stream consists of now; a kind that has not come since the publish began is undefined. */
export interface StreamMedia {
  readonly video?: StreamVideo | undefined;
  readonly audio?: StreamAudio | undefined;
}

/** What statistics ask of a stream. */
export interface StatStream {
  readonly name: StreamNames;
  /** Pictures of all its publishers so far. */
  readonly videoFrames: number;
  describe(): StreamMedia;
}

/** A vhost as it is configured. */
export interface ConfiguredVhost {
  readonly name: string;
  readonly enabled: boolean;
  readonly hls: { readonly enabled: boolean; readonly fragmentMs: number };
}

/** Kilobits per second of the last 30 seconds; less while it is not as old. */
export interface Rates {
  readonly recv30s: number;
  readonly send30s: number;
}

/** Bytes since the server started, those of ended clients included, and how fast they come and go. */
export interface Traffic {
  readonly sendBytes: number;
  readonly recvBytes: number;
  readonly kbps: Rates;
}

/** All of the server. */
export interface ServerTotals extends Traffic {
  /** Players and publishers. */
  readonly clients: number;
  readonly publishers: number;
  readonly players: number;
  /** Those that are listed, inactive ones included. */
  readonly streams: number;
  readonly activeStreams: number;
}

/** One vhost. */
export interface VhostStats extends Traffic {
  readonly id: number;
  readonly name: string;
  readonly enabled: boolean;
  /** Players and publishers. */
  readonly clients: number;
  readonly publishers: number;
  /** Those that are published. */
  readonly streams: number;
  readonly hls: { readonly enabled: boolean; readonly fragmentMs: number };
}

/** One stream, published or not. */
export interface StreamStats extends Traffic {
  readonly id: number;
  readonly name: string;
  readonly vhostId: number;
  readonly vhost: string;
  readonly app: string;
  /** When it was published last, ms of the epoch; 0 when it never was. */
  readonly liveMs: number;
  /** For how long it has been published, ms; 0 while it is not. */
  readonly ageMs: number;
  /** Players, and the publisher. */
  readonly clients: number;
  readonly players: number;
  /** Pictures of all its publishers. */
  readonly frames: number;
  readonly isActive: boolean;
  /** Context id, -1 without one. */
  readonly publisherId: number;
  readonly media: StreamMedia;
}

/** What those who play a stream now have in sum, and at worst. */
export interface PlayersSum {
  readonly dropped: number;
  readonly lagMs: number;
}

/** One client. */
export interface ClientStats extends Traffic {
  readonly client: StatClient;
  readonly vhostId: number;
  readonly streamId: number;
  /** Since its connection was accepted, ms. */
  readonly aliveMs: number;
  readonly player?: PlayerFigures | undefined;
}

/** What a vhost has right now, for its limits; what the server itself does is not in it. */
export interface VhostUsage {
  /** Players and publishers. */
  readonly clients: number;
  readonly publishers: number;
  /** Of the last few seconds. */
  readonly sendKbps: number;
}

/** One stream that comes from an origin, or that an edge hands on to one. */
export interface UpstreamStats extends StreamNames {
  /** Context id, to be found in the log: of a pull its own, of a push that of the client that publishes the stream. */
  readonly id: number;
  readonly direction: 'pull' | 'push';
  /** Of the origin; '' while none has been asked. */
  readonly url: string;
  /** `asking` for origins, `connecting`, `connected` (a pull: without media), `pulling`, `waiting` for the next attempt. */
  readonly state: 'asking' | 'connecting' | 'connected' | 'pulling' | 'waiting' | 'stopped';
  /** From, or to, the origins so far. */
  readonly bytes: number;
  readonly reconnects: number;
  /** Why it was refused or lost last; '' when it never was. */
  readonly lastError: string;
}

/** What a server does with the registry of origins. */
export interface RegistryStats {
  /** Without user and password. */
  readonly url: string;
  readonly isConnected: boolean;
  /** Own streams that are to be announced, and those of them that the registry has. */
  readonly published: number;
  readonly announced: number;
  /** Connections and commands that failed. */
  readonly failures: number;
}

/** One copy of a stream to another server; or what an operator added, while no stream that is published fits it. */
export interface ForwardStats extends StreamNames {
  /** Context id, to be found in the log. */
  readonly id: number;
  /** By which an operator removes what was added, with all copies it leads to; undefined for other origins. */
  readonly destinationId: number | undefined;
  /** Where it goes, without the key to publish there. */
  readonly url: string;
  /** Who wants it: the configuration, the answer of a backend, an operator. */
  readonly origin: 'config' | 'backend' | 'api';
  /** `idle`: nothing is published; `waiting`: for the next attempt; `stopped`: there will be none. */
  readonly state: 'idle' | 'connecting' | 'connected' | 'waiting' | 'stopped';
  /** Since when it is connected, or is not, ms of the epoch. */
  readonly sinceMs: number;
  /** Of all its connections. */
  readonly sendBytes: number;
  /** Kilobits per second of the last 30 seconds. */
  readonly sendKbps: number;
  /** How often it was connected anew. */
  readonly reconnects: number;
  /** Messages that the other server did not get because it was too slow. */
  readonly dropped: number;
  /** Why it was refused or lost last; '' when it never was. */
  readonly lastError: string;
}
