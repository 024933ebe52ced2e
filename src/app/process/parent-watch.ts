/** Owns the promise of `asprocess`: a supervised server does not outlive its supervisor. */

const TICK_MS = 1000;

/**
 * Looks once a second whether the parent process changed, and tells it once. The returned function
 * ends the watch.
 */
export function watchParent(
  onParentGone: () => void,
  parentPid: () => number = () => process.ppid,
): () => void {
  const parent = parentPid();
  const timer = setInterval(() => {
    if (parentPid() === parent) return;
    clearInterval(timer);
    onParentGone();
  }, TICK_MS).unref();
  return () => {
    clearInterval(timer);
  };
}
