/** Owns the hiding of secrets in log lines: users put tokens and keys into URLs and stream names. */

/** A parameter, in either spelling of the query, whose name says that the value is secret. */
const SECRET_PARAMETER =
  /([\w-]*(?:token|secret|key|sign|auth|pass|pwd|credential)[\w-]*)(=|\.\.\.)[^&,\s]*/gi;
/** `user:password@` of a URL. */
const USER_INFO = /:\/\/[^/@\s]*@/g;

/** The text with the values of secret parameters and any user:password replaced by `***`. */
export function redact(text: string): string {
  return text.replace(USER_INFO, '://***@').replace(SECRET_PARAMETER, '$1$2***');
}
