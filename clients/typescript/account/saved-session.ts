/** A session as it is kept over reloads of the page. */
export interface SavedSession {
  /** Names this login, so that a copied tab can tell that it is one. Not a secret of the server. */
  readonly loginId: string;
  readonly userId: string;
  readonly username: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When to refresh, by this machine's clock, in milliseconds. */
  readonly refreshAt: number;
}
