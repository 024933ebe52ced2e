/** Owns the description of what the API tells of the product, vhosts, streams and clients. */
import { machineSchemas } from './openapi-machine';
import {
  decimal,
  each,
  flag,
  integer,
  listOf,
  mapOf,
  object,
  orNull,
  ref,
  string,
} from './openapi-schema';
import type { Schema } from './openapi-schema';

const id = integer('Counts up from the process id.');

const traffic = {
  send_bytes: integer('Bytes to clients, those that left included.'),
  recv_bytes: integer('Bytes from clients, those that left included.'),
  kbps: object({
    recv_30s: integer('kbit/s from clients, last 30 seconds.'),
    send_30s: integer('kbit/s to clients, last 30 seconds.'),
  }),
};

const vhost = object({
  id,
  name: string(),
  enabled: flag(),
  clients: integer('Players and publishers.'),
  streams: integer('Those that are published.'),
  ...traffic,
  hls: object({ enabled: flag(), fragment: decimal('Seconds; only where enabled.') }, ['fragment']),
  publishers: integer(),
});

const video = object({
  codec: string('H264, HEVC, AV1, VP9, VP8, VP6, ... or Other.'),
  profile: string('As Baseline, Main, High; empty while not known, like other texts here.'),
  level: string('As 3.1.'),
  width: integer('0 while not known, like other numbers here.'),
  height: integer(),
  fps: decimal('Pictures per second.'),
  gop_ms: integer('From one key frame to the next.'),
  gop_frames: integer(),
  frames: integer('Since the publish began.'),
  bytes: integer('Since the publish began.'),
});

const audio = object({
  codec: string('AAC, MP3, Opus, ... or Other.'),
  sample_rate: integer('Hz'),
  channel: integer('Number of channels.'),
  profile: string('Of AAC: LC, HE, HEv2, Main, SSR, Other.'),
  frames: integer('Since the publish began.'),
  bytes: integer('Since the publish began.'),
});

const stream = object({
  id,
  name: string(),
  vhost: integer('Id of its vhost.'),
  app: string(),
  live_ms: integer('When it was published last, ms of the epoch; 0: never.'),
  clients: integer('Players, and the publisher.'),
  frames: integer('Pictures of all its publishers.'),
  ...traffic,
  publish: object({
    active: flag('It is published.'),
    cid: integer('Id of the client that publishes; -1: none.'),
  }),
  video: orNull(video),
  audio: orNull(audio),
  age_ms: integer('Since the publish began; 0 while it is not published.'),
  players: integer(),
  vhost_name: string(),
});

const client = object({
  id: integer('Context id, to be found in the log.'),
  vhost: integer('Id of its vhost.'),
  stream: integer('Id of its stream.'),
  ip: string(),
  ...each(['pageUrl', 'swfUrl', 'tcUrl', 'url'], string('Without secrets.')),
  type: string('Play, hls-play, fmle-publish, flash-publish, haivision-publish, http-publish.'),
  publish: flag(),
  alive: integer('Since it connected, ms.'),
  ...traffic,
  protocol: string('rtmp, rtmps, http-flv, ws-flv, hls, ...'),
  vhost_name: string(),
  app: string(),
  name: string('Of its stream.'),
  messages: integer('That a player got.'),
  dropped: integer('Messages that a player did not get because it was too slow.'),
  lag_ms: integer('Media that waits for a player.'),
  jumps: integer('How often a player jumped forward to a key frame.'),
});

const forward = object({
  id: integer('Context id, to be found in the log.'),
  destination: orNull(integer('By which what an operator added is removed.')),
  ...each(['vhost', 'app', 'stream'], string('Name; * for all.')),
  url: string('Without the key to publish there.'),
  origin: { ...string(), enum: ['config', 'backend', 'api'] },
  state: { ...string(), enum: ['idle', 'connecting', 'connected', 'waiting', 'stopped'] },
  since_ms: integer('Since when it is connected, or is not, ms of the epoch.'),
  send_bytes: integer('Of all its connections.'),
  kbps: object({ send_30s: integer('kbit/s, last 30 seconds.') }),
  reconnects: integer(),
  dropped: integer('Messages that the other server did not get because it was too slow.'),
  last_error: string('Why it was refused or lost last; empty when it never was.'),
});

const upstream = object({
  id: integer('Context id, to be found in the log; of a push that of its publisher.'),
  direction: { ...string(), enum: ['pull', 'push'] },
  ...each(['vhost', 'app', 'stream'], string()),
  url: string('At the origin; empty while none has been asked.'),
  state: {
    ...string(),
    enum: ['asking', 'connecting', 'connected', 'pulling', 'waiting', 'stopped'],
  },
  bytes: integer('From the origins, or to them.'),
  reconnects: integer(),
  last_error: string('Why it was refused or lost last; empty when it never was.'),
});

const registry = object({
  url: string('Without user and password.'),
  connected: flag(),
  published: integer('Own streams that are to be announced.'),
  announced: integer('Those of them that the registry has.'),
  failures: integer('Connections and commands that failed.'),
});

const forwardWish = object(
  {
    vhost: string('By default __defaultVhost__.'),
    app: string('By default every app: *.'),
    stream: string('By default every stream: *.'),
    url: string(
      'host, host:port, srv:name, or rtmp[s]://host/app/key; may hold [vhost] [app] [stream].',
    ),
  },
  ['vhost', 'app', 'stream'],
);

const product = {
  Version: object({ ...each(['major', 'minor', 'revision'], integer()), version: string() }),
  Authors: object(
    each(
      ['primary', 'license', 'copyright', 'authors', 'contributors_link', 'contributors'],
      string(),
    ),
  ),
  Features: mapOf(flag(), 'What this build can do, by name.'),
};

const request = object({
  uri: string(),
  path: string(),
  METHOD: string(),
  headers: mapOf(string('Without secrets.')),
  server: object({
    ...each(['sigature', 'name', 'version', 'link', 'signature'], string()),
    time: integer('ms of the epoch'),
  }),
});

const failure = object(
  {
    code: { ...integer('What is wrong; the same numbers as in the log.'), minimum: 1 },
    server: integer(),
    data: object({ status_code: integer(), reason_phrase: string(), url: string() }),
    message: string(),
  },
  ['data', 'message'],
);

/** `components/schemas`. */
export const schemas: Readonly<Record<string, Schema>> = {
  ...product,
  ...machineSchemas,
  Request: request,
  Vhost: vhost,
  Stream: stream,
  Client: client,
  Forward: forward,
  ForwardWish: forwardWish,
  Upstream: upstream,
  Registry: registry,
  Failure: failure,
};

/** A reply that went well: `code` 0, the id of the server, and these fields. */
export function reply(fields: Readonly<Record<string, Schema>> = {}): Schema {
  return object({
    code: { ...integer(), enum: [0] },
    server: integer('Id of the server.'),
    ...fields,
  });
}

/** The same, of a single object of `components/schemas`. */
export function dataReply(name: string): Schema {
  return reply({ data: ref(name) });
}

/** A page of a list, and how many there are. */
export function listReply(
  field: string,
  name: string,
  more: Readonly<Record<string, Schema>> = {},
): Schema {
  const total = integer('Length of the whole list.');
  return reply({ [field]: listOf(ref(name)), total, ...more });
}

/** What is asked for, or the code that tells that it does not exist; with status 200, as the reference does. */
export function orFailure(schema: Schema): Schema {
  return { anyOf: [schema, ref('Failure')] };
}
