import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readContract } from './contract-image.ts';
import { unboundedFields, uncommented, unknownCodes, withoutErrors, withoutIdempotency } from './contract-rules.ts';

describe('the contract', () => {
  const contract = readContract();

  test('has services to check', () => {
    expect(contract.flatMap((file) => file.services).length).toBeGreaterThanOrEqual(7);
  });

  test('explains every service, RPC, message, field, oneof, enum and value', () => {
    expect(uncommented(contract)).toEqual([]);
  });

  test('says of every RPC which errors it answers with, in canonical codes', () => {
    expect(withoutErrors(contract)).toEqual([]);
    expect(unknownCodes(contract)).toEqual([]);
  });

  test('says of every RPC what a repeat does', () => {
    expect(withoutIdempotency(contract)).toEqual([]);
  });

  test('bounds every string, bytes, list and map that a client can send', () => {
    expect(unboundedFields(contract)).toEqual([]);
  });
});

test('a careless contract is seen through', () => {
  const careless = readCareless(`
    syntax = "proto3";
    package realchat.careless.v1;
    import "buf/validate/validate.proto";
    service CarelessService {
      // Guess. Errors: NOT_FOUNDED (reason LOST).
      rpc Say(SayRequest) returns (SayResponse);
    }
    // SayRequest has fields.
    message SayRequest {
      string unbounded = 1;
      // Says its bound.
      string bounded = 2 [(buf.validate.field).string.max_len = 9];
      // Strings of any length, but few.
      repeated string texts = 3 [(buf.validate.field).repeated.max_items = 3];
      // As many numbers as you like.
      repeated int32 numbers = 4;
      // Of a message that is bounded no better.
      Inner inner = 5;
    }
    // Inner is deeper.
    message Inner {
      // Any bytes.
      bytes blob = 1;
    }
    // SayResponse is empty.
    message SayResponse {}
  `);
  expect(uncommented(careless)).toEqual([
    'realchat.careless.v1.SayRequest.unbounded',
    'realchat.careless.v1.CarelessService',
  ]);
  expect(withoutErrors(careless)).toEqual(['realchat.careless.v1.CarelessService.Say']);
  expect(unknownCodes(careless)).toEqual(['realchat.careless.v1.CarelessService.Say: NOT_FOUNDED']);
  expect(withoutIdempotency(careless)).toEqual(['realchat.careless.v1.CarelessService.Say']);
  expect(unboundedFields(careless)).toEqual([
    'realchat.careless.v1.Inner.blob: max_len',
    'realchat.careless.v1.SayRequest.numbers: max_items',
    'realchat.careless.v1.SayRequest.texts: items.max_len',
    'realchat.careless.v1.SayRequest.unbounded: max_len',
  ]);
});

function readCareless(proto: string) {
  const folder = mkdtempSync(join(tmpdir(), 'realchat-contract-'));
  try {
    mkdirSync(join(folder, 'realchat/careless/v1'), { recursive: true });
    writeFileSync(join(folder, 'realchat/careless/v1/careless.proto'), proto);
    cpSync(new URL('../../third_party/proto/buf', import.meta.url), join(folder, 'buf'), { recursive: true });
    return readContract(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
