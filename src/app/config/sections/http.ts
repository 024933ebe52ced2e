/** Owns the options of everything that speaks HTTP: API, file server, live remux, hooks, heartbeat. */
import { block, list, one } from '../directive';
import { choice, int, listen, onOff, optionalPath, path, seconds, text, webUrl } from '../values';

/** `https {}` within a block that listens for HTTP. */
const httpsRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Serves the same over TLS.' }),
  listen: list('listen', listen, { doc: 'Addresses for TLS.', fallback: '8088' }),
  key: one('key', path, './conf/server.key', {
    doc: 'Private key of the certificate, PEM; read again when it changes.',
  }),
  cert: one('cert', path, './conf/server.crt', {
    doc: 'Certificate, followed by those that signed it, PEM; read again when it changes.',
  }),
};

/** The same for the API, on a port of its own. */
const apiHttpsRows = {
  ...httpsRows,
  listen: list('listen', listen, { doc: 'Addresses for TLS.', fallback: '1990' }),
};

/** `auth {}` of `http_api`. */
const apiAuthRows = {
  enabled: one('enabled', onOff, 'off', {
    doc: 'Answers only those who authenticate: by a user and its password, or by the token.',
  }),
  username: one('username', text('name'), '', { doc: 'User of HTTP basic authentication.' }),
  password: one('password', text('password'), '', { doc: 'Its password.' }),
  token: one('token', text('token'), '', {
    doc: 'What is accepted as Authorization: Bearer TOKEN.',
  }),
};

/** `http_api {}` at root. */
const httpApiRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Serves the HTTP API.' }),
  listen: list('listen', listen, { doc: 'Addresses of the API.', fallback: '1985' }),
  crossdomain: one('crossdomain', onOff, 'on', {
    doc: 'Answers cross-origin requests and preflights (CORS); off: pages of other origins can do nothing here.',
  }),
  jsonp: one('jsonp', choice('on', 'read', 'off'), 'on', {
    doc: 'Answers ?callback= with a script; on: with &method= such a request may kick and stop, too.',
  }),
  auth: block('auth', apiAuthRows, { doc: 'Who may use the API.' }),
  https: block('https', apiHttpsRows, { doc: 'The API over TLS.' }),
};

/** `http_server {}` (older name `http_stream`) at root. */
const httpServerRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Serves files and live streams over HTTP.' }),
  listen: list('listen', listen, { doc: 'Addresses of the HTTP server.', fallback: '8080' }),
  dir: one('dir', path, './objs/nginx/html', {
    doc: 'Root directory, used when no vhost is mounted at /.',
  }),
  crossdomain: one('crossdomain', onOff, 'on', {
    doc: 'Lets pages of other origins read the answers, and answers preflights (CORS).',
  }),
  https: block('https', httpsRows, { doc: 'The same server over TLS.' }),
};

/** `heartbeat {}` at root. */
const heartbeatRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Reports to a server at regular intervals.' }),
  intervalMs: one('interval', seconds(1, 86400), '9.9', { doc: 'Seconds between two reports.' }),
  url: one('url', webUrl, 'http://127.0.0.1:8085/api/v1/servers', {
    doc: 'Where the report is posted as JSON.',
  }),
  deviceId: one('device_id', text(), '', { doc: 'Name of this device in the report.' }),
  summaries: one('summaries', onOff, 'off', { doc: 'Adds the whole summaries object.' }),
};

/** `http_static {}` (older name `http`) of a vhost. */
const httpStaticRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Mounts a directory for this vhost.' }),
  mount: one('mount', path, '[vhost]/', { doc: 'Where it is mounted; [vhost] is replaced.' }),
  dir: one('dir', path, './objs/nginx/html', { doc: 'The directory.' }),
};

/** `http_remux {}` of a vhost. */
const httpRemuxRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Serves live streams over HTTP.' }),
  mount: one('mount', path, '[vhost]/[app]/[stream].flv', {
    doc: 'Where streams are mounted; the extension (flv, ts, aac, mp3) chooses the container.',
  }),
  fastCacheMs: one('fast_cache', seconds(0, 3600), '0', {
    doc: 'Seconds of audio sent at once to a player of aac or mp3.',
  }),
  hstrs: one('hstrs', onOff, 'on', {
    doc: 'Lets players come before the publisher, and edges pull from the origin.',
  }),
  publisherWaitMs: one('publisher_wait', seconds(0, 86400), '10', {
    doc: 'Seconds a player waits for a publisher, before the first and between two; 0 does not wait.',
  }),
  publish: one('publish', onOff, 'on', {
    doc: 'Lets clients publish by POST or PUT of an FLV stream to where it is played.',
  }),
};

const hook = (name: string, doc: string): ReturnType<typeof list<string>> =>
  list(name, webUrl, { doc });

/** `http_hooks {}` of a vhost: each event has any number of URLs. */
const httpHooksRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Calls HTTP servers on the events below.' }),
  onConnect: hook('on_connect', 'Asked when a client connects; may refuse.'),
  onClose: hook('on_close', 'Told when a client is gone.'),
  onPublish: hook('on_publish', 'Asked when a client publishes; may refuse.'),
  onUnpublish: hook('on_unpublish', 'Told when a publish ends.'),
  onPlay: hook('on_play', 'Asked when a client plays; may refuse.'),
  onStop: hook('on_stop', 'Told when a play ends.'),
  onDvr: hook('on_dvr', 'Told when a recorded file is closed.'),
  onHls: hook('on_hls', 'Told when an HLS segment is closed.'),
  onHlsNotify: hook('on_hls_notify', 'Fetched for each segment, to warm up a CDN.'),
  timeoutMs: one('timeout', seconds(0.1, 60), '10', {
    doc: 'Seconds one call may take, from its begin to the end of the answer.',
  }),
  onFailure: one('on_failure', choice('deny', 'allow'), 'deny', {
    doc: 'What becomes of clients when a server that is asked cannot be reached, or gives no proper answer.',
  }),
  retries: one('retries', int(0, 100), '3', {
    doc: 'How often an event that is told, not asked about, is told again when it did not arrive.',
  }),
  secret: one('secret', text(), '', {
    doc: 'Signs what is sent with HMAC-SHA256, so that it can be told from what others send.',
  }),
  caFile: one('ca_file', optionalPath, '', {
    doc: 'Certificates, PEM, by which https servers are verified; without it those that Node.js knows.',
  }),
};

/** Rows of root level that speak HTTP. */
export const rootHttpRows = {
  heartbeat: block('heartbeat', heartbeatRows, {
    doc: 'Regular report to a server of yours.',
    feature: 'heartbeat',
  }),
  httpApi: block('http_api', httpApiRows, { doc: 'The HTTP API.', feature: 'http_api' }),
  httpServer: block('http_server', httpServerRows, {
    doc: 'The embedded HTTP server.',
    aliases: ['http_stream'],
    feature: 'http_server',
  }),
};

/** Rows of a vhost that speak HTTP. */
export const vhostHttpRows = {
  httpStatic: block('http_static', httpStaticRows, {
    doc: 'Files of this vhost over HTTP.',
    aliases: ['http'],
    feature: 'http_static',
  }),
  httpRemux: block('http_remux', httpRemuxRows, {
    doc: 'Live streams of this vhost over HTTP.',
    feature: 'http_remux',
  }),
  httpHooks: block('http_hooks', httpHooksRows, {
    doc: 'HTTP callbacks on events of this vhost.',
    feature: 'http_hooks',
  }),
};
