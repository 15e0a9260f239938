/**
 * Something the user or the client can put right: the message says what and where, and how. It becomes an error response.
 * Everything else that is thrown is a defect of ours.
 */
export class UserError extends Error {
  /** `show`: worth a dialog, because the user asked for this and nothing else will tell. */
  constructor(
    message: string,
    readonly show = false,
  ) {
    super(message);
  }
}
