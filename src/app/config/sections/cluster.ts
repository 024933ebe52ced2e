/** Owns the options of servers that work together: edge, forward, bandwidth check. */
import { block, list, listedBlock, one } from '../directive';
import {
  choice,
  dnsServer,
  int,
  onOff,
  optionalAddress,
  optionalWebUrl,
  seconds,
  text,
  upstream,
} from '../values';

/** Rows of root level. */
export const rootClusterRows = {
  originRegistry: one('origin_registry', text('url'), '', {
    doc: 'Where origins announce their streams to each other, as redis://host:port/db.',
    feature: 'origin_registry',
    switchesOn: (target) => target !== '',
  }),
  originRegistryLeaseMs: one('origin_registry_lease', seconds(1, 3600), '10', {
    doc: 'Seconds after which the announcement of an origin that is gone is forgotten.',
  }),
  originAnnounce: one('origin_announce', optionalAddress, '', {
    doc: 'Where others reach this origin; default: the address of stats network, and the first port of listen.',
  }),
  resolver: list('resolver', dnsServer, {
    doc: 'DNS servers to ask for the hosts of origin and forward; default: those of the system.',
  }),
};

/** `bandcheck {}` of a vhost. */
const bandcheckRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Makes this vhost a bandwidth test.' }),
  key: one('key', text(), '', { doc: 'Key a client must give.' }),
  intervalMs: one('interval', seconds(0, 86400), '30', { doc: 'Seconds between two tests.' }),
  limitKbps: one('limit_kbps', int(1, 10000000), '1000', { doc: 'Highest rate measured.' }),
};

/** The block form of `forward`; `vhost` and `refer` are known to the final release, and without effect there too. */
const forwardRows = {
  enabled: one('enabled', onOff, 'on', { doc: 'Whether streams are copied at all.' }),
  destinations: list('destination', upstream, {
    doc: 'Servers that get a copy of each published stream.',
    isRepeatable: true,
  }),
  backend: one('backend', optionalWebUrl, '', {
    doc: 'Asked at each publish where else to copy the stream to.',
  }),
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
  edgeTimeoutMs: one('edge_timeout', seconds(0.5, 600), '3', {
    doc: 'Seconds without a sign of life after which an edge takes the next origin.',
  }),
  edgeLingerMs: one('edge_linger', seconds(0, 86400), '10', {
    doc: 'Seconds for which a stream is still fetched when its last player has left.',
  }),
  upstreamVerify: one('upstream_verify', onOff, 'on', {
    doc: 'Whether servers that are reached by rtmps have to have a certificate that can be trusted.',
  }),
  forward: listedBlock('forward', 'destinations', upstream, forwardRows, {
    doc: 'Servers that get a copy of each published stream; the port defaults to 1935.',
    feature: 'forward',
  }),
  forwardBackend: one('forward_backend', optionalWebUrl, '', {
    doc: 'Asked at each publish where else to copy the stream to; as backend in the block of forward.',
    feature: 'forward_backend',
    switchesOn: (target) => target !== '',
  }),
  bandcheck: block('bandcheck', bandcheckRows, {
    doc: 'Bandwidth test for clients.',
    feature: 'bandcheck',
  }),
};
