import type { Link } from '@realchat/client';
import { byId, setText } from './dom.ts';

const WORDS = { connecting: 'Connecting…', live: 'Live', reconnecting: 'Reconnecting…', offline: 'Offline' };

/** Says whether the page hears of what others do. */
export function renderLink(link: Link): void {
  const state = link !== 'live' && !navigator.onLine ? 'offline' : link;
  const element = byId('link', HTMLElement);
  element.dataset.state = state;
  setText(element, WORDS[state]);
}
