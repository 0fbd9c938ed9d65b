/** A number from 0 up to, not including, 1. */
export type Random = () => number;

/** Numbers that are the same for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed % 2147483647 || 1;
  const next = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  // The first numbers of seeds that are near each other are near each other, too.
  for (let i = 0; i < 4; i++) next();
  return next;
}

export function choose<T>(random: Random, list: readonly T[]): T {
  if (list.length === 0) throw new Error('there is nothing to choose from');
  return list[Math.floor(random() * list.length)] as T;
}

export function shuffle<T>(random: Random, list: readonly T[]): T[] {
  const shuffled = [...list];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}
