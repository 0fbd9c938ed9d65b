import { timestampDate } from '@bufbuild/protobuf/wkt';
import { type Presence, PresenceState } from '@realchat/gen/realchat/delivery/v1/delivery_service';

const today = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const otherDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** Shows by a dot whether a user is there, and hides it while that is not known. */
export function renderPresenceDot(dot: HTMLElement, presence: Presence | undefined): void {
  dot.hidden = presence === undefined;
  const state = presence?.state === PresenceState.ONLINE ? 'online' : 'offline';
  if (dot.dataset.state !== state) dot.dataset.state = state;
}

/** The same in words; empty while it is not known. */
export function presenceWords(presence: Presence | undefined): string {
  if (presence === undefined) return '';
  if (presence.state === PresenceState.ONLINE) return 'Online';
  if (!presence.lastSeenTime) return 'Offline';
  const seen = timestampDate(presence.lastSeenTime);
  const isToday = seen.toDateString() === new Date().toDateString();
  return `Last seen ${(isToday ? today : otherDay).format(seen)}`;
}
