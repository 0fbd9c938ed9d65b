import type { Call } from '@realchat/rpc';
import { Counter, type Registry } from '@realchat/telemetry';

/** Whom and what an event is about. Never a name, a password or a token. */
export interface Subject {
  userId: string;
  sessionId: string;
}

/** What auth tells of its business: each is a line of the audit log (who, when, from where, which trace) and a count. */
export interface Events {
  registered(call: Call, subject: Subject): void;
  loggedIn(call: Call, subject: Subject): void;
  /** Without a user id, nobody has the name that was tried. */
  loginFailed(call: Call, userId: string | undefined): void;
  /** Many try passwords at one account, and a stranger's try is held back. */
  tryDelayed(call: Call): void;
  refreshed(call: Call, subject: Subject, outcome: 'rotated' | 'repeated'): void;
  refreshRefused(call: Call): void;
  /** A spent refresh token came again, and its session was ended. */
  refreshReused(call: Call, subject: Subject): void;
  loggedOut(call: Call, subject: Subject): void;
  /** A session was ended by its owner from another one, or from itself. */
  sessionRevoked(call: Call, subject: Subject): void;
  /** The password was changed from this session, and so many others ended. */
  passwordChanged(call: Call, subject: Subject, endedSessions: number): void;
  /** The password in force was not known to whoever wanted to change it from this session. */
  passwordChangeRefused(call: Call, subject: Subject): void;
  sessionsPurged(count: number): void;
}

export function createEvents(registry: Registry): Events {
  const count = counters(registry);
  const audit = (call: Call, event: string, subject: Partial<Subject> = {}) =>
    call.log.info(
      { event, user_id: subject.userId, session_id: subject.sessionId, client_address: call.clientAddress },
      event.replaceAll('_', ' '),
    );

  return {
    registered(call, subject) {
      count.registrations.inc();
      audit(call, 'registered', subject);
    },
    loggedIn(call, subject) {
      count.logins.inc({ outcome: 'ok' });
      audit(call, 'logged_in', subject);
    },
    loginFailed(call, userId) {
      count.logins.inc({ outcome: 'bad_credentials' });
      audit(call, 'login_failed', userId === undefined ? {} : { userId });
    },
    tryDelayed(call) {
      count.triesDelayed.inc();
      audit(call, 'password_try_delayed');
    },
    refreshed(call, subject, outcome) {
      count.refreshes.inc({ outcome });
      audit(call, outcome === 'rotated' ? 'session_refreshed' : 'session_refresh_repeated', subject);
    },
    refreshRefused(call) {
      count.refreshes.inc({ outcome: 'invalid' });
      audit(call, 'refresh_refused');
    },
    refreshReused(call, subject) {
      count.refreshes.inc({ outcome: 'reused' });
      count.sessionsEnded.inc({ reason: 'refresh_reuse' });
      audit(call, 'refresh_token_reused', subject);
    },
    loggedOut(call, subject) {
      count.sessionsEnded.inc({ reason: 'logout' });
      audit(call, 'logged_out', subject);
    },
    sessionRevoked(call, subject) {
      count.sessionsEnded.inc({ reason: 'revoked' });
      audit(call, 'session_revoked', subject);
    },
    passwordChanged(call, subject, endedSessions) {
      count.passwordChanges.inc({ outcome: 'ok' });
      count.sessionsEnded.inc({ reason: 'password_changed' }, endedSessions);
      audit(call, 'password_changed', subject);
    },
    passwordChangeRefused(call, subject) {
      count.passwordChanges.inc({ outcome: 'bad_credentials' });
      audit(call, 'password_change_refused', subject);
    },
    sessionsPurged: (sessions) => count.sessionsPurged.inc(sessions),
  };
}

function counters(registry: Registry) {
  const registers = [registry];
  return {
    registrations: new Counter({ name: 'realchat_registrations_total', help: 'Accounts made.', registers }),
    logins: new Counter({
      name: 'realchat_logins_total',
      help: 'Logins by outcome; those refused for load are in the metrics of calls.',
      labelNames: ['outcome'],
      registers,
    }),
    triesDelayed: new Counter({
      name: 'realchat_password_tries_delayed_total',
      help: 'Tries of a password that were held back, because many were made at the account.',
      registers,
    }),
    passwordChanges: new Counter({
      name: 'realchat_password_changes_total',
      help: 'Changes of passwords by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    refreshes: new Counter({
      name: 'realchat_session_refreshes_total',
      help: 'Refreshes by outcome: rotated, repeated (the same successor again), reused (the session ended), invalid.',
      labelNames: ['outcome'],
      registers,
    }),
    sessionsEnded: new Counter({
      name: 'realchat_sessions_ended_total',
      help: 'Sessions ended before their time, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    sessionsPurged: new Counter({ name: 'realchat_sessions_purged_total', help: 'Dead sessions deleted.', registers }),
  };
}
