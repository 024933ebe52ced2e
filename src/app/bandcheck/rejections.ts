/** Owns the words by which a server refuses a bandwidth check, and by which a client knows why. */

/** There was another check within the interval. */
export const INTERVAL_REJECTED = 'bandcheck rejected';
/** The tcUrl does not have the key. */
export const KEY_REJECTED = 'bandcheck rejected, the key is missing or wrong';
