/** Owns the options that say who may use a vhost: pages, addresses, keys and signatures, limits. */
import { block, list, one, rules, secretRules } from '../directive';
import type { OptionsOf } from '../row';
import { choice, int, network, onOff, streamScope, text } from '../values';

const action = choice('publish', 'play');

/** `security {}` of a vhost. */
const securityRows = {
  enabled: one('enabled', onOff, 'off', {
    doc: 'Refuses clients that no allow rule matches, or that a deny rule matches.',
  }),
  allow: rules('allow', [action, network], {
    doc: 'Permits an action to an address, a range, or all.',
  }),
  deny: rules('deny', [action, network], {
    doc: 'Forbids an action to an address, a range, or all.',
  }),
};

/** `auth {}` of a vhost. */
const authRows = {
  enabled: one('enabled', onOff, 'off', {
    doc: 'Asks for a key or a signature wherever one of the rules below is about the action.',
  }),
  keys: secretRules('key', [action, text('key'), streamScope], {
    doc: 'A key that permits an action, for all streams or those named.',
  }),
  secrets: list('secret', text('secret'), {
    doc: 'Secrets that signatures are made with; several while they are changed.',
  }),
  signed: list('signed', action, { doc: 'Actions that a signed URL permits until it expires.' }),
};

/** The largest number of clients and of kbps that can be asked for. */
const MAX_LIMIT = 1_000_000_000;

const limit = (name: string, doc: string): ReturnType<typeof one<number>> =>
  one(name, int(0, MAX_LIMIT), '0', { doc: `${doc}; 0 for any.` });

/** `limits {}` of a vhost. */
const limitsRows = {
  clients: limit('clients', 'Most players and publishers at a time'),
  publishers: limit('publishers', 'Most publishers at a time'),
  kbps: limit('kbps', 'Kilobits per second sent to all players, above which no more are let in'),
  publisherKbps: limit(
    'publisher_kbps',
    'Kilobits per second that a publisher may send, before it is closed',
  ),
};

const domain = text('domain');

/** Rows of a vhost about who may use it. */
export const vhostAccessRows = {
  refer: list('refer', domain, {
    doc: 'Domains of pages that may connect.',
    feature: 'refer',
  }),
  referPlay: list('refer_play', domain, {
    doc: 'Domains of pages that may play.',
    feature: 'refer',
  }),
  referPublish: list('refer_publish', domain, {
    doc: 'Domains of pages that may publish.',
    feature: 'refer',
  }),
  security: block('security', securityRows, {
    doc: 'Which addresses may publish and play.',
    feature: 'security',
  }),
  auth: block('auth', authRows, { doc: 'Stream keys and signed URLs.' }),
  limits: block('limits', limitsRows, { doc: 'How much the vhost may be used.' }),
};

/** `security {}` of a vhost, read. */
export type SecurityOptions = OptionsOf<typeof securityRows>;

/** `auth {}` of a vhost, read. */
export type AuthOptions = OptionsOf<typeof authRows>;
