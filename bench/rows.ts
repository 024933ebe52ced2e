// The rows of the benchmark: what is asked of the server, and what is sent to it.

/** What the server's configuration has to say for a row. */
export interface ServerNeeds {
  /** Merged write interval in ms; 0 asks for the lowest latency. */
  readonly mergedWriteMs: number;
  /** Merged read of publishers. */
  readonly mergedRead: boolean;
  /** Cuts HLS segments and records, beside what is asked of it. */
  readonly files?: boolean;
}

/** One row: a load, and the sub-command of the generator that makes it. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly needs: ServerNeeds;
  readonly command: 'play' | 'publish' | 'connect' | 'hls';
  /** FLV over HTTP instead of RTMP; only servers with a port for HTTP are measured. */
  readonly http?: boolean;
  readonly count: number;
  /** Connections opened per second. */
  readonly rate: number;
  /** Further options of the generator. */
  readonly extra: readonly string[];
  /** Seconds measured, when not the run's own. */
  readonly windowSeconds?: number;
  /** Requests per second to the API meanwhile. */
  readonly apiRate?: number;
  /** The measured server is an edge of another of ours, or copies what it is sent to another, so many times. */
  readonly role?: { readonly kind: 'edge' } | { readonly kind: 'forward'; readonly times: number };
  /** The row, earlier in the same run, that this one is compared with. */
  readonly against?: string;
  /** RSS that the server must stay below, in MB; only rows of `--hold` judge. */
  readonly rssLimit?: number;
}

const MERGED: ServerNeeds = { mergedWriteMs: 350, mergedRead: false };
const LOWEST: ServerNeeds = { mergedWriteMs: 0, mergedRead: false };
const MERGED_READ: ServerNeeds = { mergedWriteMs: 350, mergedRead: true };

function players(count: number, rate: number): Row {
  return {
    id: `players-${count}`,
    title: `${count} players, merged write 350 ms`,
    needs: MERGED,
    command: 'play',
    count,
    rate,
    extra: ['--verify', '5'],
  };
}

function publishers(count: number, mergedRead: boolean): Row {
  return {
    id: mergedRead ? `publishers-${count}-mr` : `publishers-${count}`,
    title: `${count} publishers, ${mergedRead ? 'merged read 350 ms' : 'no merged read'}`,
    needs: mergedRead ? MERGED_READ : MERGED,
    command: 'publish',
    count,
    rate: 500,
    extra: [],
  };
}

function httpPlayers(count: number): Row {
  const row = players(count, 500);
  const title = `${count} players of HTTP-FLV, merged write 350 ms`;
  return { ...row, id: `http-flv-${count}`, title, http: true };
}

/** Viewers who fetch 2 s segments of 1 Mbps from a folder that another process fills. */
const HLS: Row = {
  id: 'hls-2000',
  title: '2000 HLS viewers of 2 s segments, 1 Mbps',
  needs: MERGED,
  command: 'hls',
  http: true,
  count: 2000,
  rate: 1000,
  extra: ['--interval-ms', '2000'],
};

/** Publishers of 4 Mbps, with and without files; the difference is what HLS and DVR cost. */
function recorded(files: boolean): Row {
  return {
    id: files ? 'files-10' : 'no-files-10',
    title: `10 publishers of 4 Mbps, ${files ? 'HLS and DVR on' : 'no HLS, no DVR'}`,
    needs: { ...MERGED, files },
    command: 'publish',
    count: 10,
    rate: 100,
    extra: ['--kbps', '4000'],
  };
}

const LATENCY: Row = {
  id: 'latency-500',
  title: '500 players, lowest latency',
  needs: LOWEST,
  command: 'play',
  count: 500,
  rate: 500,
  extra: ['--latency', '50'],
};

/** As a wall of dashboards would ask; the latency of the players is to stay what it is without. */
function watched(apiRate: number): Row {
  const title = '1000 players, lowest latency';
  const row = { ...LATENCY, id: 'latency-1000', title, count: 1000 };
  if (apiRate === 0) return row;
  return { ...row, id: 'latency-1000-api', title: `${title}, ${apiRate} API requests/s`, apiRate };
}

const CONNECT: Row = {
  id: 'connect-500',
  title: '500 connects/s: connect, play, close',
  needs: MERGED,
  command: 'connect',
  count: 1,
  rate: 500,
  extra: [],
};

const SLOW: Row = {
  id: 'slow-100',
  title: '1000 players beside 100 that read 1 KB/s',
  needs: MERGED,
  command: 'play',
  count: 1100,
  rate: 500,
  extra: ['--verify', '50', '--slow', '100', '--slow-bytes-per-second', '1024'],
};

/** What an edge adds to what its origin does for the same players. */
function atEdge(row: Row): Row {
  const title = `${row.title}, at an edge`;
  return { ...row, id: `edge-${row.id}`, title, role: { kind: 'edge' }, against: row.id };
}

const LATENCY_50: Row = {
  ...LATENCY,
  id: 'latency-50',
  title: '50 players, lowest latency',
  count: 50,
};

/** Few enough players to be copies to as many servers; lowest latency, for there to be something to measure. */
const PLAYERS_100: Row = {
  ...players(100, 500),
  id: 'lowest-100',
  title: '100 players, lowest latency',
  needs: LOWEST,
};

const FORWARD: Row = {
  id: 'forward-100',
  title: '100 copies to another server, lowest latency',
  needs: LOWEST,
  command: 'publish',
  count: 1,
  rate: 500,
  extra: [],
  role: { kind: 'forward', times: 100 },
  against: PLAYERS_100.id,
};

/** The rows of a plain run. */
export const benchRows: readonly Row[] = [
  players(1000, 500),
  players(2000, 500),
  players(9000, 1000),
  players(10000, 1000),
  LATENCY,
  watched(0),
  watched(1000),
  publishers(500, false),
  publishers(500, true),
  publishers(2000, false),
  publishers(2000, true),
  CONNECT,
  SLOW,
  httpPlayers(1000),
  HLS,
  recorded(false),
  recorded(true),
  atEdge(players(1000, 500)),
  LATENCY_50,
  atEdge(LATENCY_50),
  PLAYERS_100,
  FORWARD,
];

/** The rows of `--hold`: a minute each, and any loss is a failure. */
export const holdRows: readonly Row[] = [
  { ...players(10000, 1000), rssLimit: 100 },
  publishers(2000, false),
  CONNECT,
  { ...SLOW, rssLimit: 100 },
].map((row) => ({ ...row, id: `hold-${row.id}`, windowSeconds: 60 }));
