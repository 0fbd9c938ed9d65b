import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { recordedTelemetry, startTestMesh, type TestMesh, until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openIdentity } from '../identity.ts';
import { checkIdentity, identityProblems, readIdentity } from '../problems.ts';
import { spiffeId, spiffeIdOf } from '../spiffe-id.ts';

let mesh: TestMesh;
let other: TestMesh;
beforeAll(async () => {
  [mesh, other] = await Promise.all([startTestMesh(['messaging', 'delivery']), startTestMesh(['messaging'])]);
});
afterAll(() => Promise.all([mesh.stop(), other.stop()]));

describe('the name on a certificate', () => {
  test('is read as it was written', () => {
    const uri = spiffeId({ trustDomain: 'realchat.local', name: 'messaging' });
    expect(spiffeIdOf(`URI:${uri}, DNS:localhost, IP Address:127.0.0.1`)).toEqual({
      trustDomain: 'realchat.local',
      name: 'messaging',
    });
  });

  test.each([
    undefined,
    '',
    'DNS:messaging',
    'URI:spiffe://realchat.local/messaging',
    'URI:spiffe://realchat.local/service/messaging/more',
    'URI:spiffe://realchat.local/service/Messaging',
    'URI:https://realchat.local/service/messaging',
    'URI:spiffe://realchat.local/service/messaging, URI:spiffe://realchat.local/service/delivery',
    'DNS:"x, URI:spiffe://realchat.local/service/messaging, y"',
    'DNS:URI:spiffe://realchat.local/service/messaging',
  ])('%j is none', (names) => {
    expect(spiffeIdOf(names)).toBeUndefined();
  });
});

describe('S-71: an identity that is not good is refused, and what is wrong with it is said', () => {
  const wrong: [string, () => object, RegExp][] = [
    ['one file is not named', () => ({ TLS_KEY_FILE: undefined }), /^TLS_KEY_FILE: is needed/],
    ['a file is not there', () => ({ TLS_CA_FILE: '/nowhere/ca.crt' }), /^TLS_CA_FILE: cannot be read \(ENOENT\)$/],
    ['the key is another', () => ({ TLS_KEY_FILE: mesh.settings('delivery').TLS_KEY_FILE }), /^TLS_KEY_FILE: is not/],
    ['the key is no key', () => ({ TLS_KEY_FILE: mesh.settings('messaging').TLS_CA_FILE }), /^TLS_KEY_FILE: holds no/],
    ['the certificate is another process', () => mesh.settings('delivery'), /the certificate of delivery, not of mess/],
    ['the authority is another', () => ({ TLS_CA_FILE: other.settings('messaging').TLS_CA_FILE }), /is not issued by/],
    ['nothing is a certificate', () => ({ TLS_CERT_FILE: '/dev/null', TLS_CA_FILE: '/dev/null' }), /holds no cert/],
  ];
  test.each(wrong)('%s', (_, change, said) => {
    const problems = checkIdentity('messaging')({ ...mesh.settings('messaging'), ...change() });
    expect(problems.join('\n')).toMatch(said);
  });

  test('its time is over, or has not come', () => {
    const files = readIdentity(mesh.settings('messaging'));
    if (Array.isArray(files)) throw new Error(files.join());
    const problemsIn = (days: number) => identityProblems(files, 'messaging', new Date(Date.now() + days * 86_400_000));
    expect(problemsIn(0)).toEqual([]);
    expect(problemsIn(500)).toEqual([expect.stringMatching(/^TLS_CERT_FILE: is in force from/)]);
    expect(problemsIn(-2)).toEqual([expect.stringMatching(/^TLS_CERT_FILE: is in force from/)]);
  });

  test('the right one is good, and so is none at all, which is for production to refuse', () => {
    expect(checkIdentity('messaging')(mesh.settings('messaging'))).toEqual([]);
    expect(checkIdentity('messaging')({})).toEqual([]);
  });
});

describe('files that change', () => {
  test('are followed when they are good, and told and left alone when they are not', async () => {
    const own = await startTestMesh(['messaging']);
    onTestFinished(() => own.stop());
    const telemetry = recordedTelemetry();
    const settings = own.settings('messaging');
    const identity = openIdentity(settings, 'messaging', telemetry, 20);
    onTestFinished(() => identity?.stop());
    const first = identity?.files.cert;
    const heard: string[] = [];
    identity?.onChange(({ cert }) => heard.push(cert));

    const key = readFileSync(settings.TLS_KEY_FILE);
    writeFileSync(settings.TLS_KEY_FILE, 'damaged');
    await until('it is told', () => telemetry.lines.some(({ message }) => String(message).includes('is not good')));
    rmSync(settings.TLS_KEY_FILE);
    writeFileSync(settings.TLS_KEY_FILE, key);
    expect([identity?.files.cert, heard]).toEqual([first, []]);

    await own.renew();
    await until('the new one is taken', () => identity?.files.cert !== first);
    expect(heard).toEqual([readFileSync(settings.TLS_CERT_FILE, 'utf8')]);
    expect(await telemetry.metrics.metrics()).toMatch(/realchat_certificate_expiry_timestamp_seconds\S* 1[.\d]+e?/);
  });
});
