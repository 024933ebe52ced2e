/** Owns the names of the plain values that HLS is made with. */
import type { VhostOptions } from '../config/config';

/** The `hls` block of a vhost, as far as segments and playlists depend on it. */
export type HlsOptions = Omit<VhostOptions['hls'], 'enabled' | 'notifyBytes'>;
