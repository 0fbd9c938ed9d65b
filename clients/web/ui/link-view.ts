import type { Status } from '@realchat/client';
import { byId, setText } from './dom.ts';

const WORDS = {
  connecting: 'Connecting…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
  ended: 'Logged out',
  offline: 'Offline. What you write is sent when you are back.',
};

/** Says whether the page hears of what others do. */
export function renderLink(link: Status['state']): void {
  const state = navigator.onLine ? link : 'offline';
  const element = byId('link', HTMLElement);
  if (element.dataset.state !== state) element.dataset.state = state;
  setText(element, WORDS[state]);
}
