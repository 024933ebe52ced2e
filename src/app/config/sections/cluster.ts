/** Owns the options of servers that work together: edge, forward, bandwidth check. */
import { block, list, one } from '../directive';
import { choice, int, onOff, optionalUrl, seconds, text, upstream } from '../values';

/** `bandcheck {}` of a vhost. */
const bandcheckRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Makes this vhost a bandwidth test.' }),
  key: one('key', text(), '', { doc: 'Key a client must give.' }),
  intervalMs: one('interval', seconds(0, 86400), '30', { doc: 'Seconds between two tests.' }),
  limitKbps: one('limit_kbps', int(1, 10000000), '1000', { doc: 'Highest rate measured.' }),
};

/** Words in the block form of `forward`, known to the final release and without effect there too. */
const forwardRows = {
  enabled: one('enabled', onOff, 'on', { doc: 'Accepted, no effect.' }),
  vhost: one('vhost', text('vhost'), '', { doc: 'Accepted, no effect.' }),
  refer: one('refer', text('domain'), '', { doc: 'Accepted, no effect.' }),
};

/** Rows of a vhost that reach for other servers. */
export const vhostClusterRows = {
  mode: one('mode', choice('local', 'remote'), 'local', {
    doc: 'local is an origin; remote is an edge that pulls from and pushes to its origin.',
    restart: true,
    feature: 'edge',
    what: '"mode remote"',
    switchesOn: (mode) => mode === 'remote',
  }),
  origin: list('origin', upstream, {
    doc: 'Servers an edge uses, in turn; the port defaults to 1935.',
  }),
  upstreamVhost: one('vhost', text('vhost'), '[vhost]', {
    doc: 'Vhost an edge asks for at its origin.',
  }),
  tokenTraverse: one('token_traverse', onOff, 'off', {
    doc: 'An edge asks its origin about each client before it serves.',
  }),
  debugSrsUpnode: one('debug_srs_upnode', onOff, 'on', {
    doc: 'Tells the server upstream who is calling, to follow a stream through the logs.',
  }),
  forward: list('forward', upstream, {
    doc: 'Servers that get a copy of each published stream; the port defaults to 1935.',
    feature: 'forward',
    accepts: forwardRows,
  }),
  forwardBackend: one('forward_backend', optionalUrl, '', {
    doc: 'Asked at publish where to forward.',
    feature: 'forward_backend',
    switchesOn: (target) => target !== '',
  }),
  bandcheck: block('bandcheck', bandcheckRows, {
    doc: 'Bandwidth test for clients.',
    feature: 'bandcheck',
  }),
};
