const DAY_MS = 24 * 60 * 60 * 1000;

/** A session ends when it was not refreshed for so long, in milliseconds. */
export const SESSION_IDLE_MS = 30 * DAY_MS;

/** A session ends so long after it was opened, whatever happens, in milliseconds. */
export const SESSION_MAX_MS = 90 * DAY_MS;

/** So long after its use, the newest spent refresh token still gets the same successor, in milliseconds. */
export const REFRESH_GRACE_MS = 10_000;
