/** Owns what hooks are told to do: the options of a vhost, and the events by their names. */
import type { AccessAction } from '../access/access';
import type { VhostOptions } from '../config/config';

/** `http_hooks {}` of a vhost. */
export type HookOptions = VhostOptions['httpHooks'];

/** What can happen, as payloads and log lines name it. */
export type HookEvent =
  | 'on_connect'
  | 'on_close'
  | 'on_publish'
  | 'on_unpublish'
  | 'on_play'
  | 'on_stop'
  | 'on_dvr'
  | 'on_hls'
  | 'on_hls_notify'
  | 'on_forward';

/** Events that `http_hooks {}` has URLs for; that of `on_forward` is part of `forward`. */
export type ListedEvent = Exclude<HookEvent, 'on_forward'>;

/** Events that are asked about: the answer decides. */
export const askedEvents = {
  connect: 'on_connect',
  publish: 'on_publish',
  play: 'on_play',
} as const satisfies Record<AccessAction, HookEvent>;

/** Events that are told when what was allowed has ended. */
export const toldEvents = {
  connect: 'on_close',
  publish: 'on_unpublish',
  play: 'on_stop',
} as const satisfies Record<AccessAction, HookEvent>;

const URLS_OF = {
  on_connect: 'onConnect',
  on_close: 'onClose',
  on_publish: 'onPublish',
  on_unpublish: 'onUnpublish',
  on_play: 'onPlay',
  on_stop: 'onStop',
  on_dvr: 'onDvr',
  on_hls: 'onHls',
  on_hls_notify: 'onHlsNotify',
} as const satisfies Record<ListedEvent, keyof HookOptions>;

/** Where an event goes, in the order of the configuration. */
export function urlsOf(options: HookOptions, event: ListedEvent): readonly string[] {
  return options[URLS_OF[event]];
}
