/** Owns the names of the plain values that recordings are made with. */
import type { VhostOptions } from '../config/config';

/** The `dvr` block of a vhost. */
export type DvrOptions = VhostOptions['dvr'];
