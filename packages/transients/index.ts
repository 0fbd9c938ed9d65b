// Typing and delivered positions: published through Redis, told at most once, missed by whoever does not listen just then.
export { createTransientListener, type TransientListener } from './listener.ts';
export { createTransientPublisher, type TransientPublisher } from './publisher.ts';
