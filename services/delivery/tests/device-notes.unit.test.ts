import { describe, expect, test } from 'vitest';
import { DeviceNotes } from '../domain/device-notes.ts';

const log = (name: string) => Buffer.from(name);
const note = (at: number, positions?: number[], epoch = 'one', deviceId = 'phone') => ({
  userId: 'alice',
  deviceId,
  place: positions && { epochTag: log(epoch), positions },
  acknowledgedAt: positions ? at : 0,
  seenAt: at,
});

describe('what is noted of a device', () => {
  test('is one note, which goes only forward, shard by shard', () => {
    const notes = new DeviceNotes(10);
    notes.add(note(1, [5, 1, 0]));
    notes.add(note(2, [3, 4, 0]));
    notes.add(note(3));
    expect(notes.take(10)).toEqual([{ ...note(2, [5, 4, 0]), seenAt: 3 }]);
    expect(notes.size).toBe(0);
  });

  test('is of the newest log alone', () => {
    const notes = new DeviceNotes(10);
    notes.add(note(1, [50, 50]));
    notes.add(note(2, [1, 2], 'another'));
    expect(notes.take(10)).toEqual([note(2, [1, 2], 'another')]);
  });

  test('that could not be written stands below what came meanwhile', () => {
    const notes = new DeviceNotes(10);
    notes.add(note(1, [9, 1]));
    const taken = notes.take(10);
    notes.add(note(2, [1, 9]));
    for (const each of taken) notes.add(each);
    expect(notes.take(10)).toEqual([note(2, [9, 9])]);
  });

  test('has room for so many devices, and for more of those that it has', () => {
    const notes = new DeviceNotes(2);
    expect(notes.add(note(1, [1], 'one', 'phone'))).toBe(true);
    expect(notes.add(note(1, [1], 'one', 'laptop'))).toBe(true);
    expect(notes.add(note(1, [1], 'one', 'tablet'))).toBe(false);
    expect(notes.add(note(2, [2], 'one', 'phone'))).toBe(true);
    expect(notes.take(1)).toHaveLength(1);
    expect(notes.size).toBe(1);
  });
});
