import { describe, expect, test } from 'vitest';
import { createGrpcWebCaller, createWebSocketCaller, type SocketLife } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { useMesh } from './support/mesh.ts';

describe('Ctrl-C of the launcher', () => {
  const mesh = useMesh();

  test('F-03, pitfall 45: clients hear from the mesh itself that it stops, before the edge goes', async () => {
    const { webSocketUrl: url, certificateAuthority, tlsAddress, tls, stack } = mesh();
    const life: SocketLife = { closed: [] };
    const users = [
      new User((token) => createWebSocketCaller({ url, certificateAuthority, token, life })),
      new User(createGrpcCaller(tlsAddress, certificateAuthority)),
      new User(createGrpcWebCaller(tls)),
    ];
    for (const user of users) await user.register(newUsername(), newPassword());
    const streams = await Promise.all(users.map((user) => user.subscribe()));

    const begun = performance.now();
    const report = await stack.stop();
    process.stdout.write(`stopped in ${Math.round(performance.now() - begun)} ms with three clients\n`);
    expect(report).toEqual({ killed: [], unclean: [] });
    const ends = await Promise.all(streams.map((stream) => stream.ended));
    expect(ends.map((end) => end?.code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    expect(life.closed).toEqual([1012]);
    for (const end of ends.slice(1)) {
      expect(end?.reason).toBe('DRAINING');
      expect(end?.retryAfterMs).toBeGreaterThan(0);
    }
    for (const { name, lastExit } of stack.processes.values())
      expect([name, lastExit?.cause]).toEqual([name, name === 'kafka' ? 'exit code 143' : 'exit code 0']);
    await Promise.all(users.map((user) => user.close()));
  });
});

describe('Ctrl-C of the launcher with no clients', () => {
  const mesh = useMesh();

  test('waits for nobody', async () => {
    const begun = performance.now();
    expect(await mesh().stack.stop()).toEqual({ killed: [], unclean: [] });
    const took = performance.now() - begun;
    process.stdout.write(`stopped in ${Math.round(took)} ms with no clients\n`);
    expect(took).toBeLessThan(8_000);
  });
});
