/** Owns the hiding of secrets in log lines: users put tokens and keys into URLs and stream names. */

/** No line of the log is longer, characters. */
const MAX_TEXT = 4096;
/** Name and sign of a parameter, in either spelling of the query. It begins where a name does: linear in time. */
const PARAMETER = /(?<![\w-])([\w-]+)(?:=|\.\.\.)/g;
/** Names that say of themselves that the value is secret. */
const SECRET_NAME = /token|secret|key|sign|auth|pass|pwd|credential/i;
const VALUE_END = /[&,\s]/g;
/** `user:password@` of a URL; the last `@` before the path ends it, since a password may have one, too. */
const USER_INFO = /:\/\/[^/\s]*@/g;
/** A name that is filled in. */
const VARIABLE = /^\[\w+\]$/;
/** An RTMP URL up to the stream, which is the last part of its path or stands behind the parameters of the app. */
const RTMP_STREAM = /(rtmps?:\/\/[^/?\s]*\/(?:[^?\s]*\/|[^?\s]*\?\S*\/))([^/?\s]+)/gi;

/** The text, cut to a line of the log, with the values of secret parameters and any user:password replaced by `***`. */
export function redact(text: string): string {
  const line = text.slice(0, MAX_TEXT).replace(USER_INFO, '://***@');
  let redacted = '';
  let done = 0;
  for (const { 0: start, 1: name = '', index } of line.matchAll(PARAMETER)) {
    // A parameter within a value that is hidden already says nothing more.
    if (index < done || !SECRET_NAME.test(name)) continue;
    const value = index + start.length;
    VALUE_END.lastIndex = value;
    redacted += `${line.slice(done, value)}***`;
    done = VALUE_END.exec(line)?.index ?? line.length;
  }
  return redacted + line.slice(done);
}

/** As {@link redact}, and in RTMP URLs the name of the stream, too: where one publishes that is a key. */
export function redactStream(text: string): string {
  return redact(
    text
      .slice(0, MAX_TEXT)
      .replace(RTMP_STREAM, (all, path: string, stream: string) =>
        VARIABLE.test(stream) ? all : `${path}***`,
      ),
  );
}
